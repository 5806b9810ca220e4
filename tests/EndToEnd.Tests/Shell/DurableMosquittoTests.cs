using System.Globalization;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Shell;

/// <summary>`mosquitto_sub -c`, as people leave it running: what it missed follows, whatever happened to it and to the server.</summary>
public sealed class DurableMosquittoTests
{
    private const int Missed = 500;

    public static TheoryData<string> Versions => ["-V 311", "-V 5 -x 3600"];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Mosquitto_sub_c_prints_all_that_was_said_while_it_and_then_the_server_were_killed(string version)
    {
        string[] arguments = ["-c", "-i", "bot", "-q", "1", "-t", Lobby.Topic, .. version.Split(' ')];
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        using var bea = await Person.RegisterAsync(server, "bea");
        var (anasToken, beasToken) = (await ana.NewTokenAsync(), await bea.NewTokenAsync());
        await using (var before = await Mosquitto.SubscribeAsync(server, ana, anasToken, arguments))
        {
            var heard = Lobby.Unique("heard");
            await SayAsync(server, bea, beasToken, [heard]);
            await before.LineAsync(line => line.Contains(heard, StringComparison.Ordinal));
        }

        string[] missed = [.. Enumerable.Range(1, Missed).Select(number => string.Create(CultureInfo.InvariantCulture, $"missed {number}"))];
        await SayAsync(server, bea, beasToken, missed);
        await server.KillAsync();
        await server.StartAgainAsync();
        await using var after = Mosquitto.Subscribe(server, ana, anasToken, arguments);
        List<string> printed = [];
        await after.LineAsync(line =>
        {
            // It also prints what it has to complain of.
            if (line.StartsWith('{') && JsonDocument.Parse(line).RootElement is var said
                && said.GetProperty("type").GetString() == "message" && said.GetProperty("text").GetString()!.StartsWith("missed ", StringComparison.Ordinal))
            {
                printed.Add(said.GetProperty("text").GetString()!);
            }

            return printed is [.., var last] && last == missed[^1];
        });

        Assert.Equal(missed, printed);
    }

    private static async Task SayAsync(ServerProcess server, Person person, string token, IEnumerable<string> texts)
    {
        await using var client = await server.TcpAsync();
        Assert.True((await client.ConnectAsync(person.UserName, token)).Accepted);
        foreach (var text in texts)
        {
            Assert.True((await client.PublishAsync(Lobby.Topic, text)).Accepted);
        }
    }
}
