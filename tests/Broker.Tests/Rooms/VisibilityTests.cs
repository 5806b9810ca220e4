using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who sees and hears which room.</summary>
public sealed class VisibilityTests
{
    private const byte RetainAsPublished = 8;

    [Fact]
    public async Task Attack_36_A_private_a_deleted_and_an_unknown_room_are_refused_in_the_same_words()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var eve = await broker.RegisterAsync("eve");
        await CreateAsync(broker, "hidden", ana, isPrivate: true);
        var gone = await CreateAsync(broker, "gone", ana, isPrivate: false);
        await broker.Get<RoomEndings>().DeleteAsync(gone, ana.Account);
        await using var member = await broker.ConnectAsync(ana);
        Assert.Equal([1, 1], (await member.SubscribeAsync([new Filter("rooms/hidden"), new Filter("rooms/hidden/info")])).ReasonCodes);
        Assert.True((await member.PublishAsync("rooms/hidden", "secret")).Accepted);

        await using var client = await broker.ConnectAsync(eve);
        HashSet<string?> words = [];
        foreach (var room in (string[])["hidden", "gone", "never"])
        {
            foreach (var below in (string[])["", "/text", "/typing", "/info", "/presence/+", "/#"])
            {
                var answer = await client.SubscribeAsync("rooms/" + room + below);
                Assert.Equal([0x87], answer.ReasonCodes);
                words.Add(answer.ReasonString!.Replace(room, "…", StringComparison.Ordinal));
            }

            var refused = await client.PublishAsync("rooms/" + room, "x");
            Assert.Equal(0x87, refused.ReasonCode);
            words.Add(refused.ReasonString);
        }

        Assert.Equal(2, words.Count);
        Assert.False(broker.Room("hidden").IsMember(eve.Account.Id));
    }

    [Theory]
    [InlineData("rooms/#")]
    [InlineData("rooms/+")]
    [InlineData("rooms/+/#")]
    public async Task Attack_35_A_wildcard_gives_the_rooms_I_am_in_also_those_joined_later(string filter)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var members = broker.Get<RoomMembers>();
        await CreateAsync(broker, "hidden", ana, isPrivate: true);
        await CreateAsync(broker, "club", ana, isPrivate: true);
        await members.JoinAsync(broker.Room("club"), bob.Account);
        await using var listener = await broker.ConnectAsync(bob);
        Assert.Equal([1, 1], (await listener.SubscribeAsync([new Filter(filter), new Filter("users/bob")])).ReasonCodes);
        await using var speaker = await broker.ConnectAsync(ana);

        async Task<List<string>> RoomsHeardAsync(string text)
        {
            foreach (var room in (string[])["lobby", "hidden", "club"])
            {
                Assert.True((await speaker.PublishAsync("rooms/" + room, text)).Accepted);
            }

            // Each room is a stream of its own: the one that is heard for sure is waited for, and then the inbox.
            List<string> heard = [];
            var publishes = await listener.PublishesUntilAsync(
                publish => publish.Topic == "rooms/club" && publish.Text.Contains(text, StringComparison.Ordinal));
            heard.AddRange(publishes
                .Where(publish => publish.Text.Contains(text, StringComparison.Ordinal)
                    && !publish.Topic.EndsWith("/text", StringComparison.Ordinal))
                .Select(publish => publish.Topic));
            await speaker.PublishAsync("users/bob", "marker");
            publishes = await listener.PublishesUntilAsync(publish => publish.Topic == "users/bob");
            heard.AddRange(publishes
                .Where(publish => publish.Text.Contains(text, StringComparison.Ordinal)
                    && !publish.Topic.EndsWith("/text", StringComparison.Ordinal))
                .Select(publish => publish.Topic));
            return heard;
        }

        Assert.Equal(["rooms/club"], await RoomsHeardAsync("one"));
        await members.JoinAsync(broker.Room("hidden"), bob.Account);
        Assert.Equal(["rooms/club", "rooms/hidden"], (await RoomsHeardAsync("two")).Order());
        await members.LeaveAsync(broker.Room("hidden"), bob.Account);
        Assert.Equal(["rooms/club"], await RoomsHeardAsync("three"));
        Assert.Equal(
            filter.EndsWith('#') ? 1 : 0, broker.Room("club").Subscribers.ToArray().Count(subscriber => subscriber.Info is not null));
    }

    [Fact]
    public async Task Whoever_hears_all_of_a_room_hears_each_kind_on_its_topic()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana", "Ana");
        await using var listener = await broker.ConnectAsync(ana, clientId: "listener");
        await listener.SubscribeAsync("rooms/lobby/#");
        await using var speaker = await broker.ConnectAsync(ana, clientId: "speaker");

        await speaker.SendPublishAsync("rooms/lobby/typing", default);
        await speaker.PublishAsync("rooms/lobby", "line one\nline two");
        await speaker.PublishAsync("rooms/lobby", "marker");
        var heard = await listener.PublishesUntilAsync(
            publish => publish.Topic == "rooms/lobby/text" && publish.Text.Contains("marker", StringComparison.Ordinal));

        Assert.Equal(
            ["rooms/lobby", "rooms/lobby/info", "rooms/lobby/presence/ana", "rooms/lobby/text", "rooms/lobby/typing"],
            heard.Select(publish => publish.Topic).Distinct().Order(StringComparer.Ordinal));
        Assert.Contains(heard, publish => publish.Text == "Ana: line one ⏎ line two");
    }

    [Fact]
    public async Task Attack_35_Anothers_inbox_is_written_to_and_never_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var reader = await broker.ConnectAsync(bob);
        Assert.Equal([1, 0x87], (await reader.SubscribeAsync([new Filter("users/bob"), new Filter("users/ana")])).ReasonCodes);
        await using var writer = await broker.ConnectAsync(ana);

        await writer.PublishAsync("users/ana", "to myself");
        Assert.True((await writer.PublishAsync("users/bob", "hello")).Accepted);

        var whisper = await reader.NextPublishAsync();
        Assert.Equal("users/bob", whisper.Topic);
        Assert.Equal("bob", whisper.Json.GetProperty("to").GetString());
        Assert.Equal("hello", whisper.Json.Text());
    }

    [Fact]
    public async Task Attack_79_An_inbox_is_not_heard_under_a_name_that_was_given_up()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync([new Filter("users/ana"), new Filter("rooms/lobby")]);
        await using var writer = await broker.ConnectAsync(bob);
        await writer.PublishAsync("users/ana", "before");
        await client.PublishesUntilAsync(publish => publish.Text.Contains("\"before\"", StringComparison.Ordinal));

        var renamed = await broker.Get<AccountChanges>().ChangeAsync(
            (await broker.SignInAsync(ana.Account)).Session, "correct horse battery staple", new AccountChange(UserName: "bia"), null);
        Assert.True(renamed.TryGet(out _, out var refusal), $"{refusal}");

        Assert.Equal(0x87, (await writer.PublishAsync("users/ana", "to nobody")).ReasonCode);
        Assert.True((await writer.PublishAsync("users/bia", "unheard")).Accepted);
        Assert.True((await writer.PublishAsync("rooms/lobby", "marker")).Accepted);
        var heard = await client.PublishesUntilAsync(publish => publish.Text.Contains("\"marker\"", StringComparison.Ordinal));
        // The one thing said there is where it is heard from now on.
        var told = Assert.Single(heard, publish => publish.Topic.StartsWith("users/", StringComparison.Ordinal));
        Assert.Equal("renamed", told.Json.GetProperty("code").GetString());
        Assert.Equal([0x87, 1], (await client.SubscribeAsync([new Filter("users/ana"), new Filter("users/bia")])).ReasonCodes);
        await writer.PublishAsync("users/bia", "under the new one");
        await client.PublishesUntilAsync(publish => publish.Topic == "users/bia");
    }

    [Fact]
    public async Task Info_is_retained_and_says_what_changes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await CreateAsync(broker, "club", ana, isPrivate: false);
        await using var plain = await broker.ConnectAsync(bob, clientId: "plain");
        await using var asPublished = await broker.ConnectAsync(bob, clientId: "as-published");
        await plain.SubscribeAsync("rooms/club/info");
        await asPublished.SubscribeAsync([new Filter("rooms/club/info", 1, RetainAsPublished)]);
        Assert.True((await plain.NextPublishAsync()).Retain);
        Assert.True((await asPublished.NextPublishAsync()).Retain);

        await Acts.ChangeAsync(broker, "club", ana, new() { Title = "The \u202eClub", Topic = "On\nair" });

        var changed = await plain.NextPublishAsync();
        Assert.Equal("""{"room":"club","title":"The Club","topic":"On ⏎ air","people":0,"visibility":"public"}""", changed.Text);
        Assert.False(changed.Retain);
        Assert.True((await asPublished.NextPublishAsync()).Retain);
    }

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Attack_40_A_retain_flag_on_an_event_has_no_effect(string version)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(version));
        await speaker.PublishAsync("rooms/lobby", "kept?", retain: true);

        await using var listener = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(version));
        await listener.SubscribeAsync("rooms/lobby");
        await speaker.PublishAsync("rooms/lobby", "marker", retain: true);
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));

        Assert.DoesNotContain(heard, publish => publish.Text.Contains("kept?", StringComparison.Ordinal));
        Assert.False(heard[^1].Retain);
    }

    [Fact]
    public async Task Typing_is_for_members_at_QoS_0_and_without_words()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        Assert.Equal(0x87, (await client.PublishAsync("rooms/lobby/typing", "")).ReasonCode);
        await client.SubscribeAsync([new Filter("rooms/lobby/typing", 0), new Filter("users/ana")]);

        Assert.Equal(0x99, (await client.PublishAsync("rooms/lobby/typing", "")).ReasonCode);
        await client.SendPublishAsync("rooms/lobby/typing", "words"u8.ToArray());
        var notice = await client.NextPublishAsync();
        Assert.Equal("bad_typing", notice.Json.GetProperty("code").GetString());
        await client.SendPublishAsync("rooms/lobby/typing", default);
        Assert.Equal("""{"user":"ana"}""", (await client.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task A_message_to_a_public_room_joins_it_and_a_will_is_no_way_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var listener = await broker.ConnectAsync(ana);
        await listener.SubscribeAsync("rooms/lobby");
        await using var stranger = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await stranger.ConnectAsync("bob", bob.Token, will: new Will("rooms/lobby", "boo"));
        stranger.Abort();
        await using var client = await broker.ConnectAsync(bob);
        await Clients.HandshakeTests.UntilAsync(() => broker.Get<WebMessenger.Broker.Clients.ConnectionDirectory>().Count == 2);
        Assert.False(broker.Room("lobby").IsMember(bob.Account.Id));

        Assert.True((await client.PublishAsync("rooms/lobby", "hello")).Accepted);

        Assert.True(broker.Room("lobby").IsMember(bob.Account.Id));
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("hello", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("boo", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_erased_account_is_nobody_to_whisper_to()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("users/bob", "hello")).Accepted);

        await broker.Get<Auth.SigningIn.AccountChanges>().EraseAsync(bob.Account, "correct horse battery staple", null);

        Assert.Equal(0x87, (await client.PublishAsync("users/bob", "hello")).ReasonCode);
    }

    private static async Task<Room> CreateAsync(RunningBroker broker, string name, Member owner, bool isPrivate)
    {
        Assert.True(RoomId.TryParse(name, out var id));
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMaking>().CreateAsync(id, name, "", isPrivate, owner.Account));
        return broker.Room(name);
    }
}
