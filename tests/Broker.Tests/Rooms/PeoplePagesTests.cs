using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>`GET /api/rooms/{room}/people`.</summary>
public sealed class PeoplePagesTests
{
    [Fact]
    public async Task Fault_R1_People_come_page_by_page_in_the_order_of_their_names()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        await anas.Put("/api/rooms/lobby/members/me");
        Here(broker.Room("lobby"), ("u1", "Zoe"), ("u2", "Álvaro"), ("u3", "alice"), ("u5", "Bea"), ("u4", "Bea"));

        var first = await anas.Get("/api/rooms/lobby/people?limit=3");
        Assert.Equal(["u3", "u2", "u4"], Users(first));
        var one = first.GetProperty("people")[1];
        Assert.Equal(("Álvaro", "guest"), (one.GetProperty("name").GetString(), one.GetProperty("kind").GetString()));
        var rest = await anas.Get($"/api/rooms/lobby/people?limit=3&after={Uri.EscapeDataString(first.GetProperty("next").GetString()!)}");
        Assert.Equal(["u5", "u1"], Users(rest));
        Assert.Equal(JsonValueKind.Null, rest.GetProperty("next").ValueKind);
        Assert.Equal(["u3", "u2", "u4", "u5", "u1"], Users(await anas.Get("/api/rooms/lobby/people")));
    }

    [Fact]
    public async Task Fault_R1_People_are_looked_for_without_accents_and_case()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        await anas.Put("/api/rooms/lobby/members/me");
        Here(broker.Room("lobby"), ("guest-zoe", "Zoë da Silva"), ("guest-b", "ZOE"), ("guest-c", "Łukasz Groß"), ("guest-d", "Ana"));

        Assert.Equal(["guest-b", "guest-zoe"], Users(await anas.Get("/api/rooms/lobby/people?search=Zo%C3%A9")));
        Assert.Equal(["guest-zoe"], Users(await anas.Get("/api/rooms/lobby/people?search=silva%20zoe")));
        Assert.Equal(["guest-c"], Users(await anas.Get("/api/rooms/lobby/people?search=lukasz%20gross")));
        Assert.Empty(Users(await anas.Get("/api/rooms/lobby/people?search=nobody%EF%BF%BE%00")));
        Assert.Equal(["guest-d"], Users(await anas.Get("/api/rooms/lobby/people?search=guest-d&limit=1")));
    }

    [Fact]
    public async Task Fault_R1_Only_members_are_told_and_a_wrong_question_is_refused()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        using var eves = Calls.As(broker, await broker.RegisterAsync("eve"));
        await anas.MakeRoom("yard");
        await anas.Get("/api/rooms/yard/people?limit=200");

        await anas.Get("/api/rooms/yard/people?limit=201", HttpStatusCode.BadRequest);
        await anas.Get($"/api/rooms/yard/people?search={new string('x', 101)}", HttpStatusCode.BadRequest);
        await eves.Get("/api/rooms/yard/people?limit=200", HttpStatusCode.NotFound);
    }

    private static void Here(Room room, params (string User, string Name)[] people)
    {
        foreach (var (user, name) in people)
        {
            room.ExpectBack(new Account(
                user, AccountKind.Guest, DateTimeOffset.UtcNow, new Profile(user, name, null, false)), "guest", DateTimeOffset.UtcNow);
        }
    }

    private static IEnumerable<string> Users(JsonElement page) =>
        page.GetProperty("people").EnumerateArray().Select(person => person.GetProperty("user").GetString()!);
}
