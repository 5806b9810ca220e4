using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>`GET /api/rooms` in pages.</summary>
public sealed class RoomListTests
{
    [Fact]
    public async Task Fault_R2_The_list_comes_page_by_page_the_busiest_first()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using var anas = Calls.As(broker, ana);
        foreach (var id in new[] { "e", "d", "c", "b", "a" })
        {
            await anas.MakeRoom(id);
        }

        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync("rooms/d");

        var first = await anas.Get("/api/rooms?limit=2");
        Assert.Equal(["d", "a"], Ids(first));
        Assert.Equal(JsonValueKind.Array, first.GetProperty("invited").ValueKind);
        var second = await anas.Get($"/api/rooms?limit=2&cursor={first.GetProperty("next").GetString()}");
        Assert.Equal(["b", "c"], Ids(second));
        Assert.False(second.TryGetProperty("invited", out _));
        var last = await anas.Get($"/api/rooms?limit=2&cursor={second.GetProperty("next").GetString()}");
        Assert.Equal(["e", "lobby"], Ids(last));
        Assert.False(last.TryGetProperty("next", out _));

        // As version 1 began: everything, and no word of pages.
        var all = await anas.Get("/api/rooms");
        Assert.Equal(["d", "a", "b", "c", "e", "lobby"], Ids(all));
        Assert.False(all.TryGetProperty("next", out _));
    }

    [Fact]
    public async Task Fault_R2_Rooms_are_looked_for_and_those_that_are_mine_are_asked_for()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        using var bobs = Calls.As(broker, await broker.RegisterAsync("bob"));
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "r1", title = "Música ao vivo", topic = "Às sextas" });
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "r2", title = "Kitchen" });
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "r3", title = "Musica, secret", visibility = "private" });
        await bobs.Put("/api/rooms/r2/members/me");

        Assert.Equal(["r1"], Ids(await bobs.Get("/api/rooms?query=MUSICA%20sextas")));
        Assert.Equal(["r1", "r3"], Ids(await anas.Get("/api/rooms?query=musica")));
        Assert.Equal(["r2"], Ids(await bobs.Get("/api/rooms?mine=true")));
        Assert.Equal(["r1", "r2", "r3"], Ids(await anas.Get("/api/rooms?mine=true")));
        Assert.Equal(["r2"], Ids(await anas.Get("/api/rooms?mine=true&query=kitchen")));

        // What is changed is found by its new words.
        await anas.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/r2", new { title = "Garden" });
        Assert.Empty(Ids(await bobs.Get("/api/rooms?query=kitchen")));
        Assert.Equal(["r2"], Ids(await bobs.Get("/api/rooms?query=garden")));
    }

    [Fact]
    public async Task Fault_R2_Whoever_has_the_list_already_is_told_so_until_something_of_it_changes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ana.Token);
        using var first = await http.GetAsync("/api/rooms?limit=50", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        http.DefaultRequestHeaders.IfNoneMatch.Add(first.Headers.ETag!);

        using var same = await http.GetAsync("/api/rooms?limit=50", TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NotModified, 0), (same.StatusCode, (await same.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length));

        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync("rooms/lobby");
        using var other = await http.GetAsync("/api/rooms?limit=50", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.NotEqual(first.Headers.ETag, other.Headers.ETag);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("limit=x", "limit")]
    [InlineData("mine=yes", "mine")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("cursor=.a", "cursor")]
    public async Task A_wrong_question_is_refused_with_the_field_named(string query, string field)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        await anas.Get("/api/rooms?limit=1&mine=false");
        var problem = await anas.Get($"/api/rooms?{query}", HttpStatusCode.BadRequest);
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _));
    }

    private static IEnumerable<string> Ids(JsonElement list) => list.GetProperty("rooms").EnumerateArray().Select(room => room.GetProperty("id").GetString()!);
}
