using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Shell;

/// <summary>mosquitto with certificates that openssl has made, as docs/devices.md has it.</summary>
public sealed partial class ClientCertificateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-device-").FullName;

    [Fact]
    public async Task Mosquitto_shows_a_certificate_of_openssl_and_is_let_in_without_a_password()
    {
        using TestCertificate certificate = new();
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, .. certificate.Settings]);
        using var ana = await Person.RegisterAsync(server);
        await using var listening = await Mosquitto.SubscribeAsync(server, ana, "-t", Lobby.Topic);
        foreach (var kind in new[] { "rsa:2048", "ec", "ed25519" })
        {
            await MakeAsync("device", kind);
            await MakeAsync("other", kind);
            var id = await PinAsync(ana, "device");
            var said = Lobby.Unique(kind);

            // Twice, with and without the name of who made the token, in both versions.
            await Mosquitto.PublishAsync(server, ["-V", "mqttv5", "-q", "1", .. Shown("device"), "-t", Lobby.Topic, "-m", "first"]);
            await Mosquitto.PublishAsync(server, ["-V", "311", "-q", "1", "-u", ana.UserName, .. Shown("device"), "-t", Lobby.Topic, "-m", said]);
            await listening.LineAsync(line => line.Contains(said, StringComparison.Ordinal));

            await RefusedAsync(server, [.. Shown("other")]);
            await RefusedAsync(server, ["-u", ana.UserName, "-P", "wm_no", .. Shown("device")]);
            await RefusedAsync(server, ["--cafile", certificate.AuthorityFile]);
            using (await ana.Http.DeleteAsync(new Uri($"/api/tokens/{id}/certificate", UriKind.Relative), TestContext.Current.CancellationToken))
            {
                await RefusedAsync(server, [.. Shown("device")]);
            }
        }

        string[] Shown(string name) => ["--cafile", certificate.AuthorityFile, "--cert", In($"{name}.pem"), "--key", In($"{name}.key")];
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_handshake_that_goes_on_from_an_earlier_one_has_that_ones_certificate_and_no_others(string version)
    {
        using TestCertificate certificate = new();
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, .. certificate.Settings]);
        using var ana = await Person.RegisterAsync(server);
        await MakeAsync("device", "ec");
        await MakeAsync("other", "ec");
        var id = await PinAsync(ana, "device");

        var first = await ConnectAsync([.. Shown("device"), "-sess_out", In("session")]);
        Assert.Contains("New, ", first, StringComparison.Ordinal);
        Assert.Contains(Accepted, first, StringComparison.Ordinal);

        // The ticket brings the certificate, whatever else is shown with it.
        foreach (var shown in new[] { Shown("device"), [] })
        {
            var again = await ConnectAsync([.. shown, "-sess_in", In("session")]);
            Assert.Contains("Reused, ", again, StringComparison.Ordinal);
            Assert.Contains(Accepted, again, StringComparison.Ordinal);
        }

        // One without a certificate, and one with another, bring none and that.
        foreach (var shown in new[] { Shown("other"), [] })
        {
            Assert.DoesNotContain(Accepted, await ConnectAsync([.. shown, "-sess_out", In("session-2")]), StringComparison.Ordinal);
            Assert.DoesNotContain(Accepted, await ConnectAsync([.. shown, "-sess_in", In("session-2")]), StringComparison.Ordinal);
        }

        // It is asked at each CONNECT what the certificate opens.
        using (await ana.Http.DeleteAsync(new Uri($"/api/tokens/{id}/certificate", UriKind.Relative), TestContext.Current.CancellationToken))
        {
            Assert.DoesNotContain(Accepted, await ConnectAsync([.. Shown("device"), "-sess_in", In("session")]), StringComparison.Ordinal);
        }

        string[] Shown(string name) => ["-cert", In($"{name}.pem"), "-key", In($"{name}.key")];

        Task<string> ConnectAsync(string[] more) =>
            RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{server.MqttOverTls.Port}", version, "-ign_eof", .. more], [.. ClientPackets.Connect(MqttVersion.V311), .. ClientPackets.Disconnect]);
    }

    [Fact]
    public async Task Browsers_are_not_asked_for_a_certificate()
    {
        using TestCertificate certificate = new();
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, .. certificate.Settings, "Urls=http://127.0.0.1:0;https://127.0.0.1:0"]);
        var https = int.Parse(HttpsPort().Match(server.Log).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

        Assert.DoesNotContain("Requested Signature Algorithms", await AskAsync(https), StringComparison.Ordinal);
        Assert.Contains("Requested Signature Algorithms", await AskAsync(server.MqttOverTls.Port), StringComparison.Ordinal);

        static Task<string> AskAsync(int port) => RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{port}"], "\n"u8.ToArray());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // A CONNACK of 3.1.1 that accepts.
    private const string Accepted = " \u0002\0\0";

    [GeneratedRegex(@"Listening on https://127\.0\.0\.1:(\d+)")]
    private static partial Regex HttpsPort();

    private string In(string file) => Path.Combine(_folder, file);

    private async Task MakeAsync(string name, string kind)
    {
        string[] key = kind == "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : ["-newkey", kind];
        await RunAsync("openssl", ["req", "-x509", .. key, "-nodes", "-keyout", In($"{name}.key"), "-out", In($"{name}.pem"), "-days", "3650", "-subj", "/CN=device"]);
    }

    private async Task<string> PinAsync(Person person, string name)
    {
        using var made = await person.Http.PostAsJsonAsync(new Uri("/api/tokens", UriKind.Relative), new { name });
        var id = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString()!;
        using var pinned = await person.Http.PutAsJsonAsync(new Uri($"/api/tokens/{id}/certificate", UriKind.Relative), new { certificate = await File.ReadAllTextAsync(In($"{name}.pem")) });
        Assert.True(pinned.IsSuccessStatusCode, await pinned.Content.ReadAsStringAsync());
        return id;
    }

    private static async Task RefusedAsync(ServerProcess server, string[] arguments) => await Assert.ThrowsAnyAsync<Exception>(
        () => Mosquitto.PublishAsync(server, ["-q", "1", .. arguments, "-t", Lobby.Topic, "-m", "refused"]));

    private static async Task<string> RunAsync(string program, string[] arguments, byte[]? input = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.Latin1,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{program} did not start."));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.BaseStream.WriteAsync(input ?? []);
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(RawMqttClient.Patience);
        return await output + await error;
    }
}
