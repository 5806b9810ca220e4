using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who is here, as the room hears it.</summary>
public sealed class PresenceTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task A_second_tab_greets_nobody_and_its_end_says_nothing()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        await using var one = await broker.ConnectAsync(ana, clientId: "one");
        await one.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/+"), new Filter("rooms/lobby/text", 0)]);
        await using var two = await broker.ConnectAsync(ana, clientId: "two");
        await two.SubscribeAsync("rooms/lobby/text", 0);
        await one.UnsubscribeAsync("rooms/+");
        await two.UnsubscribeAsync("rooms/lobby/text");

        Assert.Equal(["join ana"], await WhatIsSaidAsync(witness));
        Assert.Equal(2, broker.Room("lobby").People);

        await one.UnsubscribeAsync("rooms/lobby");
        Assert.Equal([], await WhatIsSaidAsync(witness));
        await one.UnsubscribeAsync("rooms/lobby/text");
        Assert.Equal(["leave ana"], await WhatIsSaidAsync(witness));
        await witness.DisposeAsync();
    }

    [Theory]
    [InlineData("rooms/lobby/info")]
    [InlineData("rooms/lobby/presence/+")]
    [InlineData("rooms/lobby/people")]
    [InlineData("rooms/lobby/typing")]
    public async Task Watching_a_room_without_hearing_it_is_not_being_here(string filter)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        await using var client = await broker.ConnectAsync(ana);

        Assert.Equal([1], (await client.SubscribeAsync(filter)).ReasonCodes);
        Assert.Equal([], await WhatIsSaidAsync(witness));
        await client.SubscribeAsync("rooms/#", 0);
        Assert.Equal(filter.EndsWith("info", StringComparison.Ordinal) ? [] : ["join ana"], await WhatIsSaidAsync(witness));
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task A_lost_client_that_comes_back_in_time_was_never_away()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        await using var lost = await broker.ConnectAsync(ana, clientId: "phone");
        await lost.SubscribeAsync("rooms/lobby");
        Assert.Equal(["join ana"], await WhatIsSaidAsync(witness));
        lost.Abort();
        await GoneAsync(broker, 1);
        _time.Advance(RoomPresence.Grace - TimeSpan.FromSeconds(1));
        broker.Room("lobby").Sweep();

        await using var back = await broker.ConnectAsync(ana, clientId: "phone");
        await back.SubscribeAsync("rooms/lobby");
        _time.Advance(RoomPresence.Grace);
        broker.Room("lobby").Sweep();
        Assert.Equal([], await WhatIsSaidAsync(witness));

        await back.DisconnectAsync();
        await GoneAsync(broker, 1);
        _time.Advance(RoomPresence.Grace);
        broker.Room("lobby").Sweep();
        Assert.Equal(["leave ana"], await WhatIsSaidAsync(witness));
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task A_logout_is_a_leave_at_once()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        var browser = await broker.SignInAsync(ana.Account);
        await using var tab = await broker.ConnectBrowserAsync(browser);
        await tab.SubscribeAsync("rooms/lobby");
        Assert.Equal(["join ana"], await WhatIsSaidAsync(witness));

        await broker.Get<LoginSessions>().EndAsync(browser.Session);
        await GoneAsync(broker, 1);

        Assert.Equal(["leave ana"], await WhatIsSaidAsync(witness));
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task A_logout_ends_the_grace_time_of_a_client_that_has_just_gone()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        var browser = await broker.SignInAsync(ana.Account);
        var tab = await broker.ConnectBrowserAsync(browser);
        await tab.SubscribeAsync("rooms/lobby");
        Assert.Equal(["join ana"], await WhatIsSaidAsync(witness));
        tab.Abort();
        await GoneAsync(broker, 1);
        Assert.Equal([], await WhatIsSaidAsync(witness));

        await broker.Get<LoginSessions>().EndAsync(browser.Session);

        Assert.Equal(["leave ana"], await WhatIsSaidAsync(witness));
        await tab.DisposeAsync();
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task A_take_over_says_nothing()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        await using var old = await broker.ConnectAsync(ana, clientId: "phone");
        await old.SubscribeAsync("rooms/lobby");
        await using var now = await broker.ConnectAsync(ana, clientId: "phone");
        await now.SubscribeAsync("rooms/lobby");
        await GoneAsync(broker, 2);
        _time.Advance(RoomPresence.Grace);
        broker.Room("lobby").Sweep();

        Assert.Equal(["join ana"], await WhatIsSaidAsync(witness));
        Assert.Equal(2, broker.Room("lobby").People);
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task A_removed_member_leaves_at_once()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var (witness, ana) = await WithWitnessAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync("rooms/#");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account);
        Assert.Equal(["join ana"], await WhatIsSaidAsync(witness));

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("lobby"), ana.Account);

        Assert.Equal(["leave ana"], await WhatIsSaidAsync(witness));
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task Presence_is_retained_changes_with_the_name_and_ends_with_an_empty_payload()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var ana = await broker.RegisterAsync("ana", "Ana");
        var bob = await broker.RegisterAsync("bob", "Bob");
        var browser = await broker.SignInAsync(ana.Account);
        await using var tab = await broker.ConnectBrowserAsync(browser);
        await tab.SubscribeAsync("rooms/lobby");
        await using var watcher = await broker.ConnectAsync(bob);

        await watcher.SubscribeAsync("rooms/lobby/presence/+");
        var here = await watcher.NextPublishAsync();
        Assert.True(here.Retain);
        Assert.Equal("rooms/lobby/presence/ana", here.Topic);
        Assert.Equal("Ana", here.Json.GetProperty("name").GetString());
        Assert.Equal("person", here.Json.GetProperty("kind").GetString());
        Assert.Equal(_time.GetUtcNow().UtcDateTime.ToString(
            "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), here.Json.GetProperty("since").GetString());

        await broker.Get<AccountChanges>().ChangeAsync(
            browser.Session, "correct horse battery staple", new AccountChange(UserName: "annie", DisplayName: "Annie"), null);
        var changed = await watcher.PublishesUntilAsync(publish => publish.Text.Contains("Annie", StringComparison.Ordinal)
            && publish.Topic.EndsWith("annie", StringComparison.Ordinal));
        Assert.Contains(changed, publish => publish.Topic == "rooms/lobby/presence/ana" && publish.Payload.Length == 0);

        await tab.UnsubscribeAsync("rooms/lobby");
        var gone = await watcher.PublishesUntilAsync(publish => publish.Payload.Length == 0);
        Assert.Equal("rooms/lobby/presence/annie", gone[^1].Topic);
        Assert.False(gone[^1].Retain);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_S26_A_guest_who_comes_back_to_a_name_that_is_taken_is_heard_under_another(bool overHttp)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        // A name that was let in beside nobody, and is drawn like that of somebody who came later.
        var entered = await broker.Get<Registration>().EnterAsGuestAsync("R♥bert", null);
        Assert.True(entered.TryGet(out var guest, out _));
        var browser = await broker.SignInAsync(guest);
        await using var watcher = await broker.ConnectAsync(await broker.RegisterAsync("bob"));
        await watcher.SubscribeAsync("rooms/lobby/presence/+");
        await using (var tab = await broker.ConnectBrowserAsync(browser, "tab"))
        {
            await tab.SubscribeAsync("rooms/lobby");
            Assert.Equal("R♥bert", (await watcher.NextPublishAsync()).Json.GetProperty("name").GetString());
            await broker.RegisterAsync("rob", "Robert");
            if (overHttp)
            {
                using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
                http.DefaultRequestHeaders.Add("Cookie", "webmessenger=" + browser.Secret);
                var session = await http.GetStringAsync("/api/session", TestContext.Current.CancellationToken);
                Assert.Contains(" 2\"", session, StringComparison.Ordinal);
            }
            else
            {
                await using var back = await broker.ConnectBrowserAsync(browser, "back");
            }

            Assert.Equal("R♥bert 2", (await watcher.NextPublishAsync()).Json.GetProperty("name").GetString());
        }
    }

    [Fact]
    public async Task Who_listens_anew_is_not_told_what_waited_for_those_who_listen_no_more()
    {
        // One second throughout: the tests' own.
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(_time));
        await using var watcher = await broker.ConnectAsync(await broker.RegisterAsync("watcher"), clientId: "watcher");
        await using var ana = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await watcher.SubscribeAsync("rooms/lobby/presence/+");
        await ana.SubscribeAsync("rooms/lobby");
        Assert.Equal("rooms/lobby/presence/ana", (await watcher.NextPublishAsync()).Topic);

        // The second word of her in this second waits, and then there is nobody whom it could be said to.
        await ana.UnsubscribeAsync("rooms/lobby");
        await watcher.UnsubscribeAsync("rooms/lobby/presence/+");
        await ana.SubscribeAsync("rooms/lobby");
        await watcher.SubscribeAsync("rooms/lobby/presence/+");
        Assert.True((await watcher.NextPublishAsync()).Retain);
        broker.Room("lobby").Sweep();
        await using var bob = await broker.ConnectAsync(await broker.RegisterAsync("bob"));
        await bob.SubscribeAsync("rooms/lobby");

        Assert.Equal("rooms/lobby/presence/bob", (await watcher.NextPublishAsync()).Topic);
    }

    [Fact]
    public async Task A_rush_of_two_hundred_is_gathered_and_names_everybody_once()
    {
        // The program's own sweep stands with this clock: however slow the machine is, it is all one second.
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(_time));
        var (witness, _) = await WithWitnessAsync(broker);
        List<Account> people = [];
        List<RawMqttClient> clients = [];
        for (var i = 0; i < 200; i++)
        {
            var entered = await broker.Get<Registration>().EnterAsGuestAsync(string.Create(CultureInfo.InvariantCulture, $"user{i}"), null);
            Assert.True(entered.TryGet(out var guest, out var refusal), $"{refusal}");
            people.Add(guest);
            clients.Add(await broker.ConnectBrowserAsync(await broker.SignInAsync(guest)));
        }

        await Task.WhenAll(clients.Select(client => client.SubscribeAsync("rooms/lobby", 0)));
        broker.Room("lobby").Sweep();

        List<string> named = [];
        var events = 0;
        while (named.Count < 200)
        {
            var json = (await witness.NextPublishAsync()).Json;
            Assert.Equal("join", json.Type());
            events++;
            named.Add(json.GetProperty("from").GetProperty("user").GetString()!);
            if (json.TryGetProperty("others", out var others))
            {
                named.AddRange(others.EnumerateArray().Select(other => other.GetProperty("user").GetString()!));
            }
        }

        Assert.Equal(people.Select(person => person.UserName).Order(), named.Order());

        // Fifty in a second are said one by one, the witness among them; the others in one.
        Assert.Equal(49 + 1, events);
        Assert.Equal(201, broker.Room("lobby").People);
        await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
        await witness.DisposeAsync();
    }

    [Fact]
    public async Task After_a_restart_nobody_is_greeted_again_and_who_stays_away_leaves()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using (var one = await broker.ConnectAsync(ana))
        await using (var two = await broker.ConnectAsync(bob))
        {
            await one.SubscribeAsync("rooms/lobby");
            await two.SubscribeAsync("rooms/lobby");
            await one.PublishesUntilAsync(publish => publish.Text.Contains("\"bob\"", StringComparison.Ordinal));
            await broker.RestartAsync();
        }

        Assert.Equal(2, broker.Room("lobby").People);
        var anaAgain = broker.Get<AccountDirectory>().FindByUserName("ana")!;
        await using var back = await broker.ConnectAsync(ana with { Account = anaAgain });
        await back.SubscribeAsync([new Filter("rooms/lobby"), new Filter("users/ana")]);
        Assert.Equal([], await WhatIsSaidAsync(back));
        _time.Advance(RoomPresence.GraceAfterRestart);
        broker.Room("lobby").Sweep();

        Assert.Equal(["leave bob"], await WhatIsSaidAsync(back));
        Assert.Equal(1, broker.Room("lobby").People);
    }

    [Fact]
    public async Task How_many_are_here_is_in_the_rooms_info()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var ana = await broker.RegisterAsync("ana");
        await using var watcher = await broker.ConnectAsync(ana, clientId: "watcher");
        await watcher.SubscribeAsync("rooms/lobby/info");
        var info = await watcher.NextPublishAsync();
        Assert.True(info.Retain);
        Assert.Equal("""{"room":"lobby","title":"Lobby","topic":"","people":0,"visibility":"public"}""", info.Text);

        await using var client = await broker.ConnectAsync(ana, clientId: "tab");
        await client.SubscribeAsync("rooms/lobby");
        broker.Room("lobby").Sweep();

        await watcher.PublishesUntilAsync(publish => publish.Text.Contains("\"people\":1", StringComparison.Ordinal));
        await client.UnsubscribeAsync("rooms/lobby");
        broker.Room("lobby").Sweep();
        var none = await watcher.PublishesUntilAsync(publish => publish.Text.Contains("\"people\":0", StringComparison.Ordinal));
        Assert.False(none[^1].Retain);
    }

    /// <summary>Somebody who hears the room and is known to be there, and another account.</summary>
    private static async Task<(RawMqttClient Witness, Member Ana)> WithWitnessAsync(RunningBroker broker)
    {
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var witness = await broker.ConnectAsync(bob, clientId: "witness");
        await witness.SubscribeAsync("rooms/lobby");
        await witness.PublishesUntilAsync(publish => publish.Json.Type() == "join");
        return (witness, ana);
    }

    /// <summary>The joins and leaves until now: what was said before has a lower seq than the marker.</summary>
    private static async Task<List<string>> WhatIsSaidAsync(RawMqttClient witness)
    {
        var marker = await witness.PublishAsync("rooms/lobby", "marker");
        Assert.True(marker.Accepted);
        var heard = await witness.PublishesUntilAsync(
            publish => publish.Topic == "rooms/lobby" && publish.Json.GetProperty("seq").GetInt64() == marker.Seq);
        return [.. heard.SkipLast(1).Where(publish => publish.Topic == "rooms/lobby").Select(
            publish => $"{publish.Json.Type()} {publish.Json.GetProperty("from").GetProperty("user").GetString()}")];
    }

    private static Task GoneAsync(RunningBroker broker, int left) =>
        HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == left);
}
