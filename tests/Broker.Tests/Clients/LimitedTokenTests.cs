using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>What a token that may little, and was stolen, leaves of its account's places.</summary>
public sealed class LimitedTokenTests
{
    [Theory]
    [InlineData("ConnectionsPerAccount", false)]
    [InlineData("DurableClientsPerAccount", true)]
    public async Task Fault_S21_Limited_tokens_have_half_of_an_account_s_places_all_together(string limit, bool isDurable)
    {
        await using var broker = await RunningBroker.StartAsync($"--WebMessenger:Limits:{limit}", "3");
        var ana = await broker.RegisterAsync("ana");
        var poster = await broker.TokenAsync(ana.Account, verbs: Verbs.Post);
        var ofLobby = await broker.TokenAsync(ana.Account, ["lobby"]);

        Assert.Equal(0, await ConnectAsync(poster, "1"));
        Assert.Equal(0, await ConnectAsync(ofLobby, "2"));
        Assert.Equal(0x97, await ConnectAsync(poster, "3"));
        Assert.Equal(0x97, await ConnectAsync(ofLobby, "5"));

        // Who was there comes back, and the owner has the last place.
        Assert.Equal(0, await ConnectAsync(poster, "1"));
        Assert.Equal(0, await ConnectAsync(ana.Token, "3"));
        Assert.Equal(0x97, await ConnectAsync(ana.Token, "4"));

        async Task<int> ConnectAsync(string token, string clientId)
        {
            var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5);
            return (await client.ConnectAsync("ana", token, clientId, cleanStart: false, properties: isDurable ? new MqttProperties { { PropertyId.SessionExpiry, 3600 } } : null)).ReasonCode;
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Fault_S21_A_token_that_may_less_does_not_take_the_place_of_a_client_that_may_more(int level)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var poster = ana with { Token = await broker.TokenAsync(ana.Account, verbs: Verbs.Post) };
        var ofLobby = ana with { Token = await broker.TokenAsync(ana.Account, ["lobby"]) };
        await using var garden = await broker.ConnectAsync(ana, version, "garden");
        foreach (var less in new[] { poster, ofLobby })
        {
            await using var refused = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
            var answer = await refused.ConnectAsync("ana", less.Token, "garden");
            Assert.Equal(version == MqttVersion.V5 ? 0x85 : 2, answer.ReasonCode);
            await garden.PingAsync();
        }

        // Another token that may as much has the client id, and so has one of less where it was one of as little.
        await using var again = await broker.ConnectAsync(ana with { Token = await broker.TokenAsync(ana.Account) }, version, "garden");
        await garden.WaitForCloseAsync();
        await using var first = await broker.ConnectAsync(poster, version, "shed");
        await using var second = await broker.ConnectAsync(ana with { Token = await broker.TokenAsync(ana.Account, verbs: Verbs.Post) }, version, "shed");
        await first.WaitForCloseAsync();
        await second.PingAsync();
    }
}
