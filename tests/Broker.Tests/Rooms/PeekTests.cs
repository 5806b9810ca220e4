using System.Net;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Tests.Host;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>A room is looked into before one comes in, where everybody could come in.</summary>
public sealed class PeekTests
{
    [Fact]
    public async Task Whoever_looks_into_an_open_room_reads_it_and_is_seen_by_nobody()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "come in");
        var stranger = await broker.RegisterAsync("stranger");
        using var strangers = Calls.As(broker, stranger);
        await using var listener = await broker.ConnectAsync(talk.Caio);
        await listener.SubscribeAsync("rooms/yard");

        var first = await strangers.Get("/api/rooms/yard/events?view=lines&limit=30");
        Assert.Contains(first.GetProperty("events").EnumerateArray(), one => one.Type() == "message" && one.Text() == "come in");
        Assert.Equal(1, (await strangers.Get("/api/rooms/yard")).GetProperty("people").GetInt32());
        var said = await talk.SayAsync(talk.Bea, "still there?");
        var more = await strangers.Get($"/api/rooms/yard/events?view=lines&after={first.GetProperty("to").GetInt64()}");
        Assert.Contains(more.GetProperty("events").EnumerateArray(), one => one.GetProperty("seq").GetInt64() == said);

        Assert.False(broker.Room("yard").IsMember(stranger.Account.Id));
        Assert.DoesNotContain("stranger", talk.Stored(), StringComparison.Ordinal);
        Assert.DoesNotContain(broker.Room("yard").SnapshotPresence(), present => present.Account == stranger.Account);
        await strangers.Get("/api/rooms/yard/people", HttpStatusCode.NotFound);
        await strangers.Get("/api/rooms/yard/members", HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("visibility", "private")]
    [InlineData("entry", "invite")]
    [InlineData("entry", "request")]
    public async Task Where_not_everybody_comes_in_nobody_looks_in(string field, string value)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        using var strangers = Calls.As(broker, await broker.RegisterAsync("stranger"));
        await strangers.Get("/api/rooms/yard/events");

        await makers.Expect(
            HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new Dictionary<string, string> { ["type"] = "policy", [field] = value });

        await strangers.Get("/api/rooms/yard/events", HttpStatusCode.NotFound);
        await strangers.Get("/api/rooms/yard/pins", HttpStatusCode.NotFound);
        await makers.Get("/api/rooms/yard/events");
    }

    [Theory]
    [InlineData("write", HttpStatusCode.OK)]
    [InlineData("read", HttpStatusCode.OK)]
    [InlineData("none", HttpStatusCode.NotFound)]
    public async Task Guests_look_into_rooms_that_let_them_in(string guests, HttpStatusCode status)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        using var zoes = Calls.OfPage(broker, await broker.SignInAsync(guest));
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Guests = guests });

        await zoes.Get("/api/rooms/yard/events?view=lines", status);
    }
}
