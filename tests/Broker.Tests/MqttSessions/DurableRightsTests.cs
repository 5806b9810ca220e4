using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;
using static WebMessenger.Broker.Tests.MqttSessions.KeptClients;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>Who may have a client kept, who may open it again, and whose end ends it.</summary>
public sealed class DurableRightsTests
{
    [Fact]
    public async Task The_end_of_the_login_session_is_its_end_also_while_it_is_away()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var other = new Member(bob.Account, await broker.TokenAsync(bob.Account));
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");
        await LeaveBehindAsync(broker, other, MqttVersion.V5, "rooms/lobby", "kept");
        var sessions = broker.Get<LoginSessions>();
        var ended = sessions.List(bob.Account).Single(session => session.ClientIds.Contains("bot"));
        await sessions.EndAsync(ended, RevocationReason.TokenRevoked);

        Assert.False((await ConnectAsync(broker, other)).Answer.SessionPresent);
        await broker.RestartAsync();

        // That of another login session is there; the one that ended is not, whatever was on disk.
        Assert.True((await ConnectAsync(broker, other, clientId: "kept")).Answer.SessionPresent);
    }

    [Fact]
    public async Task A_password_login_session_is_listed_while_its_client_is_away_also_after_a_restart_and_ends_with_the_password()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using (var bot = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311))
        {
            Assert.True((await bot.ConnectAsync("bob", Password, "bot", cleanStart: false)).Accepted);
            await bot.SubscribeAsync("rooms/lobby");
        }

        await GoneAsync(broker, bob);
        var before = Assert.Single(broker.Get<LoginSessions>().List(bob.Account), session => session.Kind == LoginSessionKind.Password);
        await broker.RestartAsync();
        var account = broker.Get<AccountDirectory>().FindByUserName("bob")!;
        var after = Assert.Single(broker.Get<LoginSessions>().List(account), session => session.Kind == LoginSessionKind.Password);
        Assert.Equal((before.Id, "bot"), (after.Id, Assert.Single(after.ClientIds)));

        var changed = await broker.Get<AccountChanges>().ChangeAsync((await broker.SignInAsync(account)).Session, Password, new AccountChange { NewPassword = Password + "!" }, null);
        Assert.True(changed.TryGet(out _, out var refusal), $"{refusal}");

        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);
        Assert.False((await back.ConnectAsync("bob", Password + "!", "bot", cleanStart: false)).SessionPresent);
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    [InlineData(5, true)]
    public async Task Fault_S21_A_token_that_may_not_read_neither_takes_over_nor_ends_what_is_kept(int level, bool clean)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var poster = bob with { Token = await broker.TokenAsync(bob.Account, verbs: Verbs.Post) };
        var (live, _) = await ConnectAsync(broker, bob, version);
        await live.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        await RefusedAsync();
        await live.PingAsync();
        await live.DisposeAsync();
        await GoneAsync(broker, bob);
        await SayAsync(speaker, 1, 2);
        await RefusedAsync();
        await SayAsync(speaker, 3, 3);

        var (back, present) = await ConnectAsync(broker, bob, version);
        Assert.True(present.SessionPresent);
        Assert.Equal(["1", "2", "3"], Texts(await UntilAsync(back, 3)));

        // A client id of its own it may have, and, when nobody is connected who may more, whoever may read as much may have this one.
        await back.DisposeAsync();
        await GoneAsync(broker, bob);
        await using var other = await broker.ConnectAsync(poster, version, "other");
        var reader = bob with { Token = await broker.TokenAsync(bob.Account, verbs: Verbs.Read) };
        Assert.True((await ConnectAsync(broker, reader, version)).Answer.SessionPresent);

        async Task RefusedAsync()
        {
            await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
            var answer = await client.ConnectAsync("bob", poster.Token, "bot", clean);
            Assert.Equal(version == MqttVersion.V5 ? 0x85 : 2, answer.ReasonCode);
            await client.WaitForCloseAsync();
        }
    }

    [Fact]
    public async Task Fault_S21_A_token_of_fewer_rooms_opens_what_holds_no_more_than_these()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await broker.Get<RoomMaking>().CreateAsync(Id("club"), "Club", "", isPrivate: false, ana.Account);
        var ofClub = bob with { Token = await broker.TokenAsync(bob.Account, ["club"]) };
        var ofBoth = bob with { Token = await broker.TokenAsync(bob.Account, ["club", "lobby"]) };
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/club", "club");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby", "lobby");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/+", "all");
        await LeaveBehindAsync(broker, ofClub, MqttVersion.V5, "rooms/+", "of the club");

        Assert.True((await ConnectAsync(broker, ofClub, clientId: "club")).Answer.SessionPresent);
        Assert.True((await ConnectAsync(broker, ofBoth, clientId: "of the club")).Answer.SessionPresent);
        foreach (var kept in new[] { "lobby", "all" })
        {
            Assert.Equal(0x85, (await ConnectAsync(broker, ofClub, clientId: kept)).Answer.ReasonCode);
            Assert.True((await ConnectAsync(broker, bob, clientId: kept)).Answer.SessionPresent);
        }
    }

    [Fact]
    public async Task Who_may_read_less_by_now_hears_less()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await broker.Get<RoomMaking>().CreateAsync(Id("club"), "Club", "", isPrivate: false, ana.Account);
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/club", present: true);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/lobby", "in the lobby");
        await speaker.PublishAsync("rooms/club", "in the club");
        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("lobby"), bob.Account);

        var (back, answer) = await ConnectAsync(broker, bob);
        Assert.True(answer.SessionPresent);
        await speaker.PublishAsync("rooms/lobby", "live in the lobby");
        await speaker.PublishAsync("rooms/club", "live in the club");
        var heard = await back.PublishesUntilAsync(publish => Is(publish, "live in the club"));

        Assert.Equal(["in the club", "live in the club"], Texts(heard));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task Guests_are_not_kept_and_are_told_so()
    {
        await using var broker = await RunningBroker.StartAsync();
        var entered = await broker.Get<Registration>().EnterAsGuestAsync("Zé", null);
        Assert.True(entered.TryGet(out var guest, out _));
        var cookie = await broker.SignInAsync(guest);
        for (var i = 0; i < 2; i++)
        {
            WebSocketDoor door = new($"webmessenger={cookie.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
            await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
            var answer = await client.ConnectAsync(clientId: "tab", cleanStart: false, properties: new MqttProperties { { PropertyId.SessionExpiry, 3600 } });
            Assert.True(answer.Accepted);
            Assert.False(answer.SessionPresent);
            Assert.Equal(0u, answer.Properties.Number(PropertyId.SessionExpiry));
            await client.SubscribeAsync("rooms/lobby");
        }
    }

    [Fact]
    public async Task An_account_has_so_many_durable_clients_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:DurableClientsPerAccount", "2");
        var bob = await broker.RegisterAsync("bob");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby", "one");
        await LeaveBehindAsync(broker, bob, MqttVersion.V311, "rooms/lobby", "two");

        var (refused, answer) = await ConnectAsync(broker, bob, clientId: "three");
        Assert.Equal((byte)0x97, answer.ReasonCode);
        Assert.Contains("2 durable clients", answer.Properties.Text(PropertyId.ReasonString), StringComparison.Ordinal);
        await refused.WaitForCloseAsync();
        Assert.Equal((byte)3, (await ConnectAsync(broker, bob, MqttVersion.V311, "three")).Answer.ReasonCode);

        // One that starts clean is not counted, one that is known goes on, and one that ends makes room.
        await using (await broker.ConnectAsync(bob, clientId: "three"))
        {
            Assert.True((await ConnectAsync(broker, bob, clientId: "one")).Answer.SessionPresent);
        }

        await using (await broker.ConnectAsync(bob, clientId: "two"))
        {
            Assert.True((await ConnectAsync(broker, bob, clientId: "three")).Answer.Accepted);
        }
    }
}
