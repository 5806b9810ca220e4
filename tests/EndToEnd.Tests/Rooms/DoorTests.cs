using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Rooms;

/// <summary>MQTT 3.1.1 and 5, by TCP and by WebSocket, by cookie, token and password: one room.</summary>
public sealed class DoorTests(SharedServer shared)
{
    [Fact]
    public async Task Whoever_speaks_by_whichever_door_is_heard_at_all_of_them_in_one_order()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var token = await ana.NewTokenAsync();
        RawMqttClient[] doors =
        [
            await shared.Server.TcpAsync(MqttVersion.V311).InLobbyAsync(ana.UserName, token),
            await shared.Server.TcpAsync(MqttVersion.V5).InLobbyAsync(ana.UserName, token),
            await shared.Server.TcpAsync(MqttVersion.V5).InLobbyAsync(bea.UserName, Person.Password),
            await shared.Server.PageAsync(bea.Cookie, MqttVersion.V311).InLobbyAsync(),
            await shared.Server.PageAsync(bea.Cookie, MqttVersion.V5).InLobbyAsync(),
        ];
        try
        {
            List<string> said = [];
            foreach (var door in doors)
            {
                foreach (var qos in new byte[] { 1, 2 })
                {
                    said.Add(Lobby.Unique($"{door.Version} {qos}"));
                    Assert.True((await door.PublishAsync(Lobby.Topic, said[^1], qos)).Accepted);
                }
            }

            foreach (var door in doors)
            {
                var heard = (await door.PublishesUntilAsync(publish => publish.Says(said[^1]))).Select(publish => publish.Json).ToList();
                Assert.Equal(said, heard.Where(@event => @event.GetProperty("type").GetString() == "message").Select(@event => @event.GetProperty("text").GetString()));
                var seqs = heard.Select(@event => @event.GetProperty("seq").GetInt64()).ToList();
                Assert.Equal(seqs.Order(), seqs);
            }
        }
        finally
        {
            foreach (var door in doors)
            {
                await door.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_wrong_token_and_no_name_are_refused_where_the_right_one_is_let_in()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var token = await ana.NewTokenAsync();
        await using var allowed = await shared.Server.TcpAsync();
        Assert.True((await allowed.ConnectAsync(ana.UserName, token)).Accepted);

        foreach (var (user, password) in new[] { (ana.UserName, token + "x"), (ana.UserName, ""), ("nobody", token), (null, null) })
        {
            await using var refused = await shared.Server.TcpAsync();
            Assert.False((await refused.ConnectAsync(user, password)).Accepted);
            await refused.WaitForCloseAsync();
        }
    }
}
