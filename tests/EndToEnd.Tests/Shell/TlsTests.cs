using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Shell;

/// <summary>The mosquitto clients over TLS, with an authority made for the test.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task Mosquitto_talks_over_TLS_and_a_renewed_certificate_serves_the_next_without_a_restart()
    {
        using TestCertificate certificate = new();
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, .. certificate.Settings]);
        using var ana = await Person.RegisterAsync(server);
        using var bea = await Person.RegisterAsync(server, "bea");
        string[] tls = ["--cafile", certificate.AuthorityFile];
        await using var listening = await Mosquitto.SubscribeAsync(server, ana, ["-t", Lobby.Topic, .. tls]);
        await SayAsync("over TLS");

        certificate.Renew();

        await SayAsync("with the new certificate");
        Assert.Contains("was renewed", server.Log, StringComparison.Ordinal);

        // A password is taken, too: nobody can read it on the way.
        var text = Lobby.Unique("by password");
        await Mosquitto.PublishAsync(server, ["-V", "mqttv5", "-q", "1", "-u", bea.UserName, "-P", Person.Password, "-t", Lobby.Topic, "-m", text, .. tls]);
        await HearsAsync(text);

        // Another authority's word is not enough.
        using TestCertificate stranger = new();
        await Assert.ThrowsAnyAsync<Exception>(() => Mosquitto.PublishAsync(
            server, "-u", bea.UserName, "-P", Person.Password, "-t", Lobby.Topic, "-m", "to a stranger", "--cafile", stranger.AuthorityFile));

        async Task SayAsync(string what)
        {
            var said = Lobby.Unique(what);
            await Mosquitto.PublishAsync(server, ["-V", "mqttv5", "-q", "1", "-u", bea.UserName, "-P", await bea.NewTokenAsync(), "-t", Lobby.Topic, "-m", said, .. tls]);
            await HearsAsync(said);
        }

        async Task HearsAsync(string said)
        {
            var line = await listening.LineAsync(line => line.Contains(said, StringComparison.Ordinal));
            Assert.True(JsonDocument.Parse(line).RootElement.IsMessage(said), line);
        }
    }
}
