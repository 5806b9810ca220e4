using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

public sealed class UnreadOutputTests : IDisposable
{
    // The pipe of the output takes 64 KiB, and the queue behind it 4,096 entries.
    private const int Refusals = 7000;

    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-").FullName;

    [Fact]
    public async Task Fault_B3_A_log_that_nobody_reads_holds_up_nobody_and_says_afterwards_what_it_lost()
    {
        var (http, mqtt) = LastingPorts.Two();
        using var process = Start(http, mqtt);
        try
        {
            await ReadUntilAsync(process, "is ready");
            using HttpClient client = new() { BaseAddress = new UriBuilder("http", "127.0.0.1", http).Uri, Timeout = TimeSpan.FromSeconds(20) };

            // At level Debug each request is several lines; nobody reads one of them.
            for (var number = 0; number < Refusals; number += 50)
            {
                await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
                {
                    using StringContent body = new("""{"login":"nobody","password":"x"}""", Encoding.UTF8, "application/json");
                    using var answer = await client.PostAsync("/api/tokens", body, TestContext.Current.CancellationToken);
                    Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
                }));
            }

            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode);
            using StringContent guest = new("""{"nickname":"Zoe"}""", Encoding.UTF8, "application/json");
            using var entered = await client.PostAsync("/api/session/guest", guest, TestContext.Current.CancellationToken);
            var cookie = entered.Headers.GetValues("Set-Cookie").First().Split(';')[0];
            await using var page = await RawMqttClient.OverWebSocketAsync(
                new UriBuilder("ws", "127.0.0.1", http, "/mqtt").Uri, new WebSocketDoor(cookie, client.BaseAddress.GetLeftPart(UriPartial.Authority)), MqttVersion.V5);
            Assert.Equal(0, (await page.ConnectAsync()).ReasonCode);
            await page.SubscribeAsync(Lobby.Topic);
            Assert.True((await page.PublishAsync(Lobby.Topic, "said while nobody reads the log")).Accepted);

            var dropped = await ReadUntilAsync(process, "entries of the log were dropped");
            Assert.Matches(@"WRN [1-9]\d* entries of the log were dropped here, because nobody read it", dropped);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task Fault_B3_A_log_that_nobody_reads_does_not_hold_up_the_end()
    {
        var (http, mqtt) = LastingPorts.Two();
        using var process = Start(http, mqtt);
        try
        {
            await ReadUntilAsync(process, "is ready");
            using HttpClient client = new() { BaseAddress = new UriBuilder("http", "127.0.0.1", http).Uri };
            for (var number = 0; number < 1000; number++)
            {
                using var answer = await client.GetAsync("/api/session", TestContext.Current.CancellationToken);
            }

            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            process.Kill();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<string> ReadUntilAsync(Process process, string text)
    {
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"The program ended without '{text}'.");
    }

    private Process Start(int http, int mqtt) => Process.Start(new ProcessStartInfo("dotnet",
        [
            ServerProcess.Program,
            string.Create(CultureInfo.InvariantCulture, $"--Urls=http://127.0.0.1:{http}"),
            string.Create(CultureInfo.InvariantCulture, $"--WebMessenger:Mqtt:Port={mqtt}"),
            $"--WebMessenger:DataFolder={_folder}",
            "--WebMessenger:Limits:RequestsPerSecondPerAddress=0",
            "--Serilog:MinimumLevel:Default=Debug", "--Serilog:MinimumLevel:Override:Microsoft=Debug", "--Serilog:MinimumLevel:Override:Microsoft.AspNetCore=Debug",
        ])
    {
        RedirectStandardOutput = true,
        WorkingDirectory = Path.GetTempPath(),
    })!;
}
