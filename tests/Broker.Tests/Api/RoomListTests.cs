using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Rooms;
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
    [InlineData("cursor=1.zz.a", "cursor")]
    [InlineData("cursor=1.6.a", "cursor")]
    [InlineData("sort=size", "sort")]
    [InlineData("tag=a-tag-of-25-letters-is-lon", "tag")]
    [InlineData("sort=name&mine=true", "sort")]
    public async Task A_wrong_question_is_refused_with_the_field_named(string query, string field)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        await anas.Get("/api/rooms?limit=1&mine=false");
        var problem = await anas.Get($"/api/rooms?{query}", HttpStatusCode.BadRequest);
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _));
    }

    [Fact]
    public async Task Rooms_are_found_by_their_tags_whatever_accents_and_case_and_the_most_used_tags_are_told()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        using var bobs = Calls.As(broker, await broker.RegisterAsync("bob"));
        var made = await anas.Expect(
            HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "r1", title = "One", tags = new[] { " Música ", "musica", "Jardim" } });
        Assert.Equal(["Música", "Jardim"], Texts(made.GetProperty("tags")));
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "r2", title = "Two", tags = new[] { "MUSICA" } });
        await anas.Expect(
            HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "r3", title = "Three", tags = new[] { "hidden" }, visibility = "private" });
        Assert.False((await anas.MakeRoom("r4")).TryGetProperty("tags", out _));

        Assert.Equal(["r1", "r2"], Ids(await bobs.Get("/api/rooms?tag=m%C3%BAsica")));
        Assert.Equal(["r1"], Ids(await bobs.Get("/api/rooms?query=jardim")));
        Assert.Empty(Ids(await bobs.Get("/api/rooms?tag=hidden")));
        Assert.Equal(["r3"], Ids(await anas.Get("/api/rooms?tag=hidden")));
        var sorted = await bobs.Get("/api/rooms?sort=people&limit=2");
        Assert.Equal(
            [("MUSICA", 2), ("Jardim", 1)],
            sorted.GetProperty("tags").EnumerateArray().Select(tag => (tag.GetProperty("tag").GetString()!, tag.GetProperty("rooms").GetInt32())));
        var next = await bobs.Get($"/api/rooms?sort=people&limit=2&cursor={sorted.GetProperty("next").GetString()}");
        Assert.False(next.TryGetProperty("tags", out _));

        await anas.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/r1", new { tags = new[] { "plants" } });
        Assert.Equal(["r1"], Ids(await bobs.Get("/api/rooms?tag=plants")));
        Assert.Equal(["r2"], Ids(await bobs.Get("/api/rooms?tag=musica")));
        await broker.RestartAsync();
        using var later = Calls.As(broker, await broker.RegisterAsync("caio"));
        Assert.Equal(["plants"], Texts((await later.Get("/api/rooms/r1")).GetProperty("tags")));
        Assert.Equal(["r1"], Ids(await later.Get("/api/rooms?tag=plants")));
    }

    [Fact]
    public async Task Tags_are_few_and_short_and_for_who_keeps_the_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        using var bobs = Calls.As(broker, await broker.RegisterAsync("bob"));
        await anas.MakeRoom("r1");
        await anas.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/r1", new { tags = new[] { "a", "b", "c", "d", new string('e', 24) } });
        await bobs.Expect(HttpStatusCode.Forbidden, HttpMethod.Patch, "/api/rooms/r1", new { tags = new[] { "mine" } });
        string[][] wrong = [["a", "b", "c", "d", "e", "f"], [new string('e', 25)], [" "], ["a\u0301\u0301\u0301\u0301\u0301"]];
        foreach (var tags in wrong)
        {
            var problem = await anas.Expect(HttpStatusCode.BadRequest, HttpMethod.Patch, "/api/rooms/r1", new { tags });
            Assert.True(problem.GetProperty("errors").TryGetProperty("tags", out _));
            await anas.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/rooms", new { id = "r2", title = "Two", tags });
        }

        Assert.False((await anas.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/r1", new { tags = Array.Empty<string>() })).TryGetProperty("tags", out _));
    }

    [Fact]
    public async Task Rooms_are_sorted_by_name_and_by_what_happened_last_page_by_page()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var ana = await MessageTalk.MayAllAsync(broker, "ana");
        using var anas = Calls.As(broker, ana);
        foreach (var (id, title) in new[] { ("r1", "zebra"), ("r2", "Árvore"), ("r3", "bee") })
        {
            await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id, title });
        }

        await using var client = await broker.ConnectAsync(ana);
        await client.PublishAsync("rooms/r3", "early");
        time.Advance(TimeSpan.FromHours(2));
        await client.PublishAsync("rooms/r1", "late");

        Assert.Equal(["r2", "r3", "lobby", "r1"], await PagesAsync(anas, "name"));
        Assert.Equal(["r1", "r3"], (await PagesAsync(anas, "activity"))[..2]);
        var first = (await anas.Get("/api/rooms?sort=activity")).GetProperty("rooms")[0];
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$", first.GetProperty("active").GetString());
        Assert.False((await anas.Get("/api/rooms?limit=50")).GetProperty("rooms")[0].TryGetProperty("active", out _));

        // What happens where not everybody comes in is told to nobody.
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/r1/events", new { type = "policy", entry = "invite" });
        Assert.Equal("r3", (await PagesAsync(anas, "activity"))[0]);

        // After a start it is read from the logs.
        await broker.RestartAsync();
        using var later = Calls.As(broker, ana);
        Assert.Equal("r3", (await PagesAsync(later, "activity"))[0]);
    }

    [Fact]
    public async Task A_flood_of_lists_does_not_sort_all_rooms_for_each()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomOrders>(provider, time)));
        using var anas = Calls.As(broker, await broker.RegisterAsync("ana"));
        var orders = broker.Get<RoomOrders>();
        await anas.Get("/api/rooms?sort=name");
        Assert.Equal(1, orders.Count);

        for (var i = 0; i < 10 * RoomOrders.SortsAtOnce; i++)
        {
            orders.By(RoomSort.Name);
        }

        Assert.InRange(orders.Count, 2, 1 + RoomOrders.SortsAtOnce);
        await anas.MakeRoom("new");
        Assert.Equal(["lobby", "new"], Ids(await anas.Get("/api/rooms?sort=name")));
        await anas.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/new", new { title = "A better name" });
        Assert.Equal(["lobby", "new"], Ids(await anas.Get("/api/rooms?sort=name")));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["new", "lobby"], Ids(await anas.Get("/api/rooms?sort=name")));
    }

    private static async Task<List<string>> PagesAsync(Calls calls, string sort)
    {
        List<string> all = [];
        for (var cursor = ""; ;)
        {
            var page = await calls.Get($"/api/rooms?sort={sort}&limit=1{cursor}");
            all.AddRange(Ids(page));
            if (!page.TryGetProperty("next", out var next))
            {
                return all;
            }

            cursor = "&cursor=" + next.GetString();
        }
    }

    private static IEnumerable<string> Texts(JsonElement list) => list.EnumerateArray().Select(one => one.GetString()!);

    private static IEnumerable<string> Ids(JsonElement list) => list.GetProperty("rooms").EnumerateArray().Select(room => room.GetProperty("id").GetString()!);
}
