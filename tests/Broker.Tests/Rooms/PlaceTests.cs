using System.Globalization;
using System.Text;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What becomes of a client's place in a room while filters, membership, rooms and accounts change.</summary>
public sealed class PlaceTests
{
    [Fact]
    public async Task A_client_that_subscribes_to_more_loses_nothing_that_waits_for_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await listener.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1u } });
        listener.AcknowledgesItself = false;
        await listener.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        for (var i = 1; i <= 20; i++)
        {
            Assert.True((await speaker.PublishAsync("rooms/lobby", $"{i}")).Accepted);
        }

        // One is in flight, the others wait; meanwhile the client asks for more, and for less, of the same room.
        await listener.SubscribeAsync("rooms/lobby/text", 0);
        await listener.SubscribeAsync("rooms/lobby");
        await listener.UnsubscribeAsync("rooms/lobby/text");
        List<string> heard = [];
        while (!heard.Contains("20"))
        {
            var publish = await listener.NextPublishAsync();
            await listener.AcknowledgeAsync(publish);
            if (publish.Topic == "rooms/lobby" && publish.Json.Type() == "message")
            {
                heard.Add(publish.Json.Text()!);
            }
        }

        Assert.Equal(Enumerable.Range(1, 20).Select(i => i.ToString(CultureInfo.InvariantCulture)), heard);
    }

    [Fact]
    public async Task A_client_that_subscribes_again_and_again_hears_every_message()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await broker.ConnectAsync(ana);
        await listener.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);

        async Task SpeakAsync()
        {
            for (var i = 1; i <= 1000; i++)
            {
                await speaker.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes($"{i}"));
            }

            await speaker.PublishAsync("rooms/lobby", "last");
        }

        var speaking = SpeakAsync();
        while (!speaking.IsCompleted)
        {
            await listener.SubscribeAsync("rooms/lobby");
            await listener.SubscribeAsync("rooms/+");
            await listener.UnsubscribeAsync("rooms/+");
        }

        await speaking;
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("\"last\"", StringComparison.Ordinal));
        Assert.Equal(1001, heard.Count(publish => publish.Json.Type() == "message"));
    }

    [Fact]
    public async Task Attack_39_What_waits_for_a_removed_member_is_not_delivered_after_the_reply()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var listener = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await listener.ConnectAsync("bob", bob.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1u } });
        listener.AcknowledgesItself = false;
        await listener.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/lobby/info"), new Filter("users/bob")]);
        await using var quick = await broker.ConnectAsync(bob, clientId: "quick");
        await quick.SubscribeAsync([new Filter("rooms/lobby"), new Filter("users/bob")]);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/lobby", "before");
        await speaker.PublishAsync("rooms/lobby", "waits");
        await quick.PublishesUntilAsync(publish => publish.Text.Contains("\"waits\"", StringComparison.Ordinal));

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("lobby"), bob.Account);
        await speaker.PublishAsync("rooms/lobby", "after");
        await speaker.PublishAsync("users/bob", "marker");
        List<ReceivedPublish> heard = [];
        do
        {
            heard.Add(await listener.NextPublishAsync());
            await listener.AcknowledgeAsync(heard[^1]);
        }
        while (heard[^1].Topic != "users/bob");

        Assert.DoesNotContain(heard, publish => publish.Text.Contains("\"after\"", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("\"waits\"", StringComparison.Ordinal));
        var quicklyHeard = await quick.PublishesUntilAsync(publish => publish.Topic == "users/bob");
        Assert.DoesNotContain(quicklyHeard, publish => publish.Text.Contains("\"after\"", StringComparison.Ordinal));
        Assert.False(broker.Room("lobby").IsMember(bob.Account.Id));
    }

    [Fact]
    public async Task An_erased_account_leaves_its_rooms_and_no_connection_behind()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var witness = await broker.ConnectAsync(ana);
        await witness.SubscribeAsync("rooms/lobby");
        await using var client = await broker.ConnectAsync(bob);
        await client.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/+"), new Filter("users/bob")]);
        await witness.PublishesUntilAsync(
            publish => publish.Json.Type() == "join" && publish.Text.Contains("bob", StringComparison.Ordinal));

        var erased = await broker.Get<AccountChanges>().EraseAsync(bob.Account, "correct horse battery staple", null);
        Assert.True(erased.TryGet(out _, out var refusal), $"{refusal}");
        await client.WaitForCloseAsync();
        await witness.PublishesUntilAsync(
            publish => publish.Json.Type() == "leave" && publish.Text.Contains("bob", StringComparison.Ordinal));

        Assert.Equal(1, broker.Room("lobby").People);
        Assert.Single(broker.Room("lobby").Subscribers.ToArray());

        // The leave is said on the way out; the last step is forgetting the connection.
        var connections = broker.Get<WebMessenger.Broker.Clients.ConnectionDirectory>();
        await Clients.HandshakeTests.UntilAsync(() => connections.OfAccount(bob.Account.Id).Length == 0);
    }

    [Fact]
    public async Task A_room_that_becomes_private_shows_its_title_to_members_only()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        Assert.True(RoomId.TryParse("cellar", out var id));
        await broker.Get<RoomMaking>().CreateAsync(id, "Cellar", "", isPrivate: false, ana.Account);
        await using var watcher = await broker.ConnectAsync(bob);
        await watcher.SubscribeAsync([new Filter("rooms/cellar/info"), new Filter("users/bob")]);
        Assert.Contains("Cellar", (await watcher.NextPublishAsync()).Text, StringComparison.Ordinal);
        Assert.False(broker.Room("cellar").IsMember(bob.Account.Id));

        await Acts.ChangeAsync(broker, "cellar", ana, new() { Title = "Vault" });
        Assert.Contains("Vault", (await watcher.NextPublishAsync()).Text, StringComparison.Ordinal);
        await Acts.ChangeAsync(broker, "cellar", ana, new() { Title = "Secret", Visibility = "private" });
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("users/bob", "marker");

        Assert.Equal("users/bob", (await watcher.NextPublishAsync()).Topic);
        Assert.Empty(broker.Room("cellar").Subscribers.ToArray());
    }

    [Fact]
    public async Task Attack_36_An_account_does_not_join_a_room_that_became_private_meanwhile()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var eve = await broker.RegisterAsync("eve");
        var members = broker.Get<RoomMembers>();
        Assert.True(RoomId.TryParse("cellar", out var id));
        await broker.Get<RoomMaking>().CreateAsync(id, "Cellar", "", isPrivate: false, ana.Account);
        var room = broker.Room("cellar");
        await members.JoinAsync(room, bob.Account, byItself: true);
        Assert.True(room.IsMember(bob.Account.Id));

        // The change is queued first, so it is made first.
        var change = Acts.ChangeAsync(broker, "cellar", ana, new() { Visibility = "private" });
        await members.JoinAsync(room, eve.Account, byItself: true);
        await change;

        Assert.False(room.IsMember(eve.Account.Id));
        await members.JoinAsync(room, eve.Account);
        Assert.True(room.IsMember(eve.Account.Id));
    }

    [Fact]
    public async Task Attack_36_A_deleted_room_is_silent_and_its_name_begins_anew()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var making = broker.Get<RoomMaking>();
        Assert.True(RoomId.TryParse("cellar", out var id));
        await making.CreateAsync(id, "Cellar", "", isPrivate: false, ana.Account);
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync([new Filter("rooms/cellar"), new Filter("users/ana")]);
        var before = await client.PublishAsync("rooms/cellar", "hello");
        Assert.True(before.Accepted);
        var old = broker.Room("cellar");

        Assert.Equal(RoomChange.Done, await broker.Get<RoomEndings>().DeleteAsync(old, ana.Account));
        Assert.Equal(0x87, (await client.PublishAsync("rooms/cellar", "hello")).ReasonCode);
        Assert.Equal([0x87], (await client.SubscribeAsync("rooms/cellar")).ReasonCodes);
        Assert.Empty(old.Subscribers.ToArray());

        await making.CreateAsync(id, "Cellar", "", isPrivate: false, ana.Account);
        var after = await client.PublishAsync("rooms/cellar", "first");
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.True(after.Seq <= 2);
    }

    [Fact]
    public async Task A_renamed_account_hears_its_old_inbox_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var browser = await broker.SignInAsync(bob.Account);
        await using var client = await broker.ConnectBrowserAsync(browser);
        await client.SubscribeAsync([new Filter("users/bob"), new Filter("rooms/lobby")]);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("users/bob", "one");
        await client.PublishesUntilAsync(publish => publish.Topic == "users/bob");

        var renamed = await broker.Get<AccountChanges>().ChangeAsync(
            browser.Session, "correct horse battery staple", new AccountChange(UserName: "robert"), null);
        Assert.True(renamed.TryGet(out _, out var refusal), $"{refusal}");
        Assert.Equal(0x87, (await speaker.PublishAsync("users/bob", "lost")).ReasonCode);
        Assert.True((await speaker.PublishAsync("users/robert", "two")).Accepted);
        await speaker.PublishAsync("rooms/lobby", "marker");
        var heard = await client.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        var told = Assert.Single(heard, publish => publish.Topic.StartsWith("users/", StringComparison.Ordinal));
        Assert.Equal(
            ("users/bob", "renamed", "users/robert"),
            (told.Topic, told.Json.GetProperty("code").GetString(), told.Json.GetProperty("topic").GetString()));

        Assert.Equal([0x87, 1], (await client.SubscribeAsync([new Filter("users/bob"), new Filter("users/robert")])).ReasonCodes);
        await speaker.PublishAsync("users/robert", "three");
        Assert.Equal("users/robert", (await client.NextPublishAsync()).Topic);
    }
}
