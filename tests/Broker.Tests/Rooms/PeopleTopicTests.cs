using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>`rooms/{room}/people`: who is here, in lists and numbered changes. The seconds are the tests' own.</summary>
public sealed class PeopleTopicTests
{
    private const byte DoNotSendRetained = 32;

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 28, 20, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Fault_R1_After_SUBACK_comes_who_is_here_and_then_who_came_and_went_numbered()
    {
        await using var broker = await StartAsync();
        await using var ana = await broker.ConnectAsync(await broker.RegisterAsync("ana", "Ana"));
        await ana.SubscribeAsync("rooms/lobby");
        await using var bob = await broker.ConnectAsync(await broker.RegisterAsync("bob", "Bob"));
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal([1], (await bob.SubscribeAsync("rooms/lobby/people")).ReasonCodes);
        var list = await bob.NextPublishAsync();
        Assert.Equal(("rooms/lobby/people", true, (byte)1), (list.Topic, list.Retain, list.Qos));
        Assert.Equal(
            """{"v":1,"type":"people","n":0,"part":1,"parts":1,"here":[{"user":"ana","name":"Ana","kind":"bot","""
            + """
            "since":"2026-11-28T20:00:00.000Z"}],"count":1}
            """,
            list.Text);

        await bob.SubscribeAsync("rooms/lobby/text", 0);
        await ana.UnsubscribeAsync("rooms/lobby");
        broker.Room("lobby").Sweep();
        var change = await bob.NextPublishAsync();
        Assert.False(change.Retain);
        Assert.Equal(
            """{"v":1,"type":"people","n":1,"came":[{"user":"bob","name":"Bob","kind":"bot"}],"gone":["ana"],"count":1}""", change.Text);

        // Nothing has changed: nothing is said, and the next change has the next number.
        broker.Room("lobby").Sweep();
        await ana.SubscribeAsync("rooms/lobby");
        broker.Room("lobby").Sweep();
        Assert.Equal(
            """{"v":1,"type":"people","n":2,"came":[{"user":"ana","name":"Ana","kind":"bot"}],"gone":[],"count":2}""",
            (await bob.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Fault_R1_Who_listens_after_nobody_did_is_sent_who_is_here_now()
    {
        await using var broker = await StartAsync();
        Expect(broker.Room("lobby"), 0, 150);
        await using var ana = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await ana.SubscribeAsync("rooms/lobby/people");
        await PeopleAsync(ana);
        Assert.Equal(150, (await PeopleAsync(ana)).Json.GetProperty("count").GetInt32());
        await ana.UnsubscribeAsync("rooms/lobby/people");

        Expect(broker.Room("lobby"), 150, 160);
        broker.Room("lobby").Sweep();
        await ana.SubscribeAsync("rooms/lobby/people");

        Assert.Equal(160, (await PeopleAsync(ana)).Json.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_wildcard_for_the_room_brings_all_rooms_of_the_account_and_strangers_are_told_nothing()
    {
        await using var broker = await StartAsync("--WebMessenger:Rooms:Default:0", "lobby", "--WebMessenger:Rooms:Default:1", "garden");
        await using var ana = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await ana.SubscribeAsync("rooms/+/people");
        await ana.SubscribeAsync("rooms/garden");
        Assert.Equal("rooms/garden/people", (await PeopleAsync(ana)).Topic);
        await ana.SubscribeAsync("rooms/lobby");
        Assert.Equal("rooms/lobby/people", (await PeopleAsync(ana)).Topic);

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("garden"), broker.Get<AccountDirectory>().FindByUserName("ana")!);
        await using var bob = await broker.ConnectAsync(await broker.RegisterAsync("bob"));
        await bob.SubscribeAsync("rooms/garden");
        await bob.SubscribeAsync("rooms/lobby");
        broker.Room("garden").Sweep();
        broker.Room("lobby").Sweep();

        Assert.Equal("rooms/lobby/people", (await PeopleAsync(ana)).Topic);
    }

    [Fact]
    public async Task Who_asks_for_nothing_retained_is_told_the_changes_alone()
    {
        await using var broker = await StartAsync();
        await using var ana = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await ana.SubscribeAsync([new Filter("rooms/lobby/people", 0, DoNotSendRetained)]);
        await ana.SubscribeAsync("rooms/lobby");
        broker.Room("lobby").Sweep();

        Assert.Equal(1, (await PeopleAsync(ana)).Json.GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task A_new_name_comes_in_place_of_the_old_one()
    {
        await using var broker = await StartAsync();
        var browser = await broker.SignInAsync((await broker.RegisterAsync("ana", "Ana")).Account);
        await using var ana = await broker.ConnectBrowserAsync(browser);
        await ana.SubscribeAsync("rooms/lobby");
        await ana.SubscribeAsync("rooms/lobby/people");
        await PeopleAsync(ana);
        _time.Advance(TimeSpan.FromMinutes(1));

        await broker.Get<AccountChanges>().ChangeAsync(
            browser.Session, "correct horse battery staple", new AccountChange(UserName: "annie", DisplayName: "Annie"), null);
        broker.Room("lobby").Sweep();

        Assert.Equal(
            """{"v":1,"type":"people","n":1,"came":[{"user":"annie","name":"Annie","kind":"person","""
            + """
            "since":"2026-11-28T20:00:00.000Z"}],"gone":["ana"],"count":1}
            """,
            (await PeopleAsync(ana)).Text);
    }

    [Fact]
    public async Task Fault_R1_A_long_list_comes_in_parts_of_one_number_and_a_crowd_by_its_count()
    {
        await using var broker = await StartAsync();
        var room = broker.Room("lobby");
        Expect(room, 0, 450);
        await using var ana = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await ana.SubscribeAsync("rooms/lobby/people");
        List<JsonElement> parts = [];
        do
        {
            parts.Add((await PeopleAsync(ana)).Json);
        }
        while (parts.Count < parts[0].GetProperty("parts").GetInt32());

        Assert.Equal([1, 2, 3, 4, 5], parts.Select(part => part.GetProperty("part").GetInt32()));
        Assert.All(parts, part => Assert.Equal((0, 450), (part.GetProperty("n").GetInt32(), part.GetProperty("count").GetInt32())));
        var users = parts.SelectMany(part => part.GetProperty("here").EnumerateArray())
            .Select(person => person.GetProperty("user").GetString());
        Assert.Equal(450, users.Distinct().Count());

        Expect(room, 450, PeopleChanges.NamedUpTo);
        await ana.SubscribeAsync("rooms/lobby");
        await ana.PublishAsync("rooms/lobby", "hello");
        room.Sweep();

        // Everybody is sent what is said of a crowd.
        var crowd = (await PeopleAsync(ana)).Json;
        Assert.Equal((1, 1, PeopleChanges.NamedUpTo + 1), (
            crowd.GetProperty("n").GetInt32(), crowd.GetProperty("parts").GetInt32(), crowd.GetProperty("count").GetInt32()));
        Assert.Equal("ana", Assert.Single(crowd.GetProperty("here").EnumerateArray()).GetProperty("user").GetString());
    }

    [Fact]
    public async Task Fault_R1_Who_missed_changes_that_are_kept_is_told_them_and_who_missed_more_is_sent_the_list_anew()
    {
        await using var broker = await StartAsync();
        var room = broker.Room("lobby");
        await using var bob = await broker.ConnectAsync(await broker.RegisterAsync("bob"));
        var member = await broker.RegisterAsync("ana");
        await using var ana = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await ana.ConnectAsync("ana", member.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1u } });
        ana.AcknowledgesItself = false;
        await ana.SubscribeAsync("rooms/lobby/people");
        var first = await ana.NextPublishAsync();

        // Nothing is acknowledged: nothing more comes, and nothing is queued.
        await ChangeAsync(broker, bob, 5);
        ana.AcknowledgesItself = true;
        await ana.AcknowledgeAsync(first);
        for (var n = 1; n <= 5; n++)
        {
            await TurnUntilHereAsync(room, ana, n, "came");
        }

        ana.AcknowledgesItself = false;
        await ChangeAsync(broker, bob, 1);
        var sixth = await ana.NextPublishAsync();
        await ChangeAsync(broker, bob, 20);
        ana.AcknowledgesItself = true;
        await ana.AcknowledgeAsync(sixth);
        var anew = await TurnUntilHereAsync(room, ana, 26, "here");
        Assert.False(anew.Retain);
    }

    /// <summary>The program without its seconds, on a clock of the test's for rooms.</summary>
    private Task<RunningBroker> StartAsync(params string[] settings) => RunningBroker.StartWithAsync(
        services =>
        {
            services.Remove(services.Single(service => service.ImplementationType == typeof(KeepAliveSweep)));
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomDirectory>(provider, _time));
        },
        settings);

    private static async Task ChangeAsync(RunningBroker broker, RawMqttClient bob, int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (broker.Room("lobby").People == 0)
            {
                await bob.SubscribeAsync("rooms/lobby");
            }
            else
            {
                await bob.UnsubscribeAsync("rooms/lobby");
            }

            var told = broker.Room("lobby").ToldPeople.Number;
            broker.Room("lobby").Sweep();
            await HandshakeTests.UntilAsync(() => broker.Room("lobby").ToldPeople.Number == told + 1);
        }
    }

    /// <summary>The acknowledgement may not have arrived when the first second is over.</summary>
    private static async Task<ReceivedPublish> TurnUntilHereAsync(Room room, RawMqttClient client, int number, string field)
    {
        var next = client.NextPublishAsync();
        await HandshakeTests.UntilAsync(() =>
        {
            room.Sweep();
            return next.IsCompleted;
        });
        var publish = await next;
        Assert.Equal(number, publish.Json.GetProperty("n").GetInt32());
        Assert.True(publish.Json.TryGetProperty(field, out _), publish.Text);
        return publish;
    }

    /// <summary>Guests who were here before a restart.</summary>
    private void Expect(Room room, int from, int until)
    {
        for (var i = from; i < until; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"guest-{i}");
            room.ExpectBack(new Account(
                $"id{i}", AccountKind.Guest, _time.GetUtcNow(), new Profile(name, name, null, false)), "guest", _time.GetUtcNow());
        }
    }

    private static async Task<ReceivedPublish> PeopleAsync(RawMqttClient client) =>
        (await client.PublishesUntilAsync(publish => publish.Topic.EndsWith("/people", StringComparison.Ordinal)))[^1];
}
