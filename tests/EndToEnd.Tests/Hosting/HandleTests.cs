using System.Diagnostics;
using System.Globalization;
using System.Net;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

/// <summary>A process that the operating system gives few handles, or for a moment none.</summary>
public sealed class HandleTests(ITestOutputHelper output) : IDisposable
{
    private const int TextLength = 60_000;

    // 128 and SIGABRT.
    private const int Aborted = 134;

    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-handles-").FullName;

    [Fact]
    public async Task Fault_B10_Too_few_handles_are_one_line_that_says_how_many_it_takes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs ulimit.");
        ProcessStartInfo start = new("sh") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in new[]
        {
            "-c", "ulimit -n 256 && exec dotnet \"$@\"", "sh", ServerProcess.Program, "--Urls=http://127.0.0.1:0", "--WebMessenger:Mqtt:Port=0", $"--WebMessenger:DataFolder={_folder}/data",
        })
        {
            start.ArgumentList.Add(argument);
        }

        using var program = Process.Start(start)!;
        var error = await program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, program.ExitCode);
        var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("may open 256 files", line, StringComparison.Ordinal);
        Assert.DoesNotContain("ertificate", line, StringComparison.Ordinal);
    }

    /// <summary>The short form of `dotnet run --project tests/Load -c Release -- strangers`.</summary>
    [Fact]
    public async Task Fault_S1_B1_Strangers_at_eight_addresses_take_no_handle_that_the_server_needs_and_newcomers_come_in()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs ulimit, and more addresses of loopback.");
        StrangersScenario scenario = new(addresses: 8, socketsOfEach: 300, TimeSpan.FromSeconds(3));
        using LoadCertificate certificate = new();
        await using WebMessengerServer contender = new(program: null, certificate.Settings, keepsLimits: true) { Handles = 1_024 };
        await using var server = await contender.StartAsync(scenario.Preparation, TestContext.Current.CancellationToken);

        var outcome = await scenario.RunAsync(server, TestContext.Current.CancellationToken);

        foreach (var figure in outcome.Figures)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figure.Name}: {figure.Value:N1} {figure.Unit}"));
        }

        Assert.Equal(0, outcome.Figures.Single(figure => figure.Name == StrangersScenario.Refused).Value);
        Assert.InRange(outcome.Figures.Single(figure => figure.Name == StrangersScenario.HeldByStrangers).Value, 100, double.MaxValue);
        Assert.True(await server.StopAsync(), server.Process.LastWords);
    }

    [Fact]
    public async Task Fault_B11_When_handles_run_out_for_a_moment_it_says_that_it_is_not_ready_and_goes_on_or_ends_in_one_line()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/prlimit"), "Needs prlimit.");

        // The runtime ends the process when it starts a thread just while there is no handle (.NET 10):
        // nothing that the program could prevent, rare on a quiet machine, and every second time on one that starves the threads it has.
        for (var attempt = 1; !await GoesOnOrEndsAsync(Path.Combine(_folder, $"data-{attempt}")); attempt++)
        {
            Assert.InRange(attempt, 1, 5);
        }
    }

    /// <summary>False: the runtime could not start a thread.</summary>
    private static async Task<bool> GoesOnOrEndsAsync(string folder)
    {
        await using var server = await ServerProcess.StartInAsync(folder, [.. SharedServer.NoLimits, "WebMessenger:Limits:TextLength=0"]);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        await using var client = await server.TcpAsync();
        Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);

        // One connection that is there already; the threads that serve it, too.
        using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = server.Address };
        Assert.Equal(HttpStatusCode.OK, await ReadinessAsync(http));
        var before = await LimitAsync(server.ProcessId);
        List<string> acknowledged = [];
        await SetLimitAsync(server.ProcessId, FirstFree(server.ProcessId), before);
        bool refused;
        HttpStatusCode meanwhile;
        try
        {
            refused = await SayUntilRefusedAsync(client, acknowledged);
            meanwhile = await ReadinessAsync(http);
            await SetLimitAsync(server.ProcessId, before, before);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            Assert.Equal(Aborted, (await server.EndedAsync()).ExitCode);
            return false;
        }


        Assert.True(refused);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, meanwhile);
        if (!await ComesBackAsync(server, http))
        {
            var ended = await server.EndedAsync();
            if (ended.ExitCode == Aborted)
            {
                return false;
            }

            Assert.Equal(3, ended.ExitCode);
            Assert.Single(ended.Output.Split('\n'), line => line.Contains("start it again", StringComparison.Ordinal));
            await server.StartAgainAsync();
        }

        var stored = (await ana.EventsAsync(limit: 10)).Where(@event => @event.GetProperty("type").GetString() == "message")
            .Select(@event => @event.GetProperty("text").GetString()!.TrimEnd()).ToList();
        Assert.Empty(acknowledged.TakeLast(5).Except(stored));
        return true;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<HttpStatusCode> ReadinessAsync(HttpClient http)
    {
        using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    // The log begins a new file after 16 MB.
    private static async Task<bool> SayUntilRefusedAsync(RawMqttClient client, List<string> acknowledged)
    {
        for (var i = 0; i < 2_000; i++)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"message {i}");
            if (!(await client.PublishAsync(Lobby.Topic, text.PadRight(TextLength))).Accepted)
            {
                return true;
            }

            acknowledged.Add(text);
        }

        return false;
    }

    /// <summary>True: it is ready again by itself; false: it has ended.</summary>
    private static async Task<bool> ComesBackAsync(ServerProcess server, HttpClient http)
    {
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(200));
        while (await look.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            if (server.HasEnded)
            {
                break;
            }

            try
            {
                if (await ReadinessAsync(http) == HttpStatusCode.OK)
                {
                    return true;
                }
            }
            catch (HttpRequestException)
            {
                // It is just ending.
            }
        }

        return false;
    }

    // No new handle may have this number or a higher one.
    private static int FirstFree(int process)
    {
        var used = Directory.GetFileSystemEntries($"/proc/{process}/fd").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)).ToHashSet();
        return Enumerable.Range(0, used.Count + 1).First(number => !used.Contains(number));
    }

    private static async Task<int> LimitAsync(int process)
    {
        var line = (await File.ReadAllLinesAsync($"/proc/{process}/limits", TestContext.Current.CancellationToken)).Single(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], CultureInfo.InvariantCulture);
    }

    private static async Task SetLimitAsync(int process, int soft, int hard)
    {
        using var prlimit = Process.Start("/usr/bin/prlimit", [$"--pid={process}", $"--nofile={soft}:{hard}"]);
        await prlimit.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, prlimit.ExitCode);
    }
}
