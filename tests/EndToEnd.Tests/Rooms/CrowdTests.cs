using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Rooms;

public sealed class CrowdTests
{
    [Fact]
    public async Task A_message_reaches_each_of_a_thousand_members_once_at_QoS_1()
    {
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:Limits:ConnectionsPerAccount=0"]);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        List<RawMqttClient> members = [];
        try
        {
            foreach (var wave in Enumerable.Range(0, 1000).Chunk(50))
            {
                members.AddRange(await Task.WhenAll(wave.Select(i =>
                    server.TcpAsync(i % 2 == 0 ? MqttVersion.V5 : MqttVersion.V311).InLobbyAsync(ana.UserName, token))));
            }

            var (text, marker) = (Lobby.Unique("to all"), Lobby.Unique("marker"));
            Assert.True((await members[0].PublishAsync(Lobby.Topic, text)).Accepted);
            Assert.True((await members[0].PublishAsync(Lobby.Topic, marker)).Accepted);

            foreach (var member in members)
            {
                var heard = await member.PublishesUntilAsync(publish => publish.Says(marker));
                Assert.Equal(1, Assert.Single(heard, publish => publish.Says(text)).Qos);
            }
        }
        finally
        {
            foreach (var member in members)
            {
                await member.DisposeAsync();
            }
        }
    }
}
