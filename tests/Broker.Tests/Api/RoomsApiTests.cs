using System.Net;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>The calls about rooms, against the whole program.</summary>
public sealed class RoomsApiTests
{
    [Theory]
    [InlineData("""{"title":"Den"}""", "id", "required")]
    [InlineData("""{"id":"../x","title":"Den"}""", "id", "invalid")]
    [InlineData("""{"id":"a/b","title":"Den"}""", "id", "invalid")]
    [InlineData("""{"id":"-den","title":"Den"}""", "id", "invalid")]
    [InlineData("""{"id":"Den","title":"Den"}""", "id", "invalid")]
    [InlineData("""{"id":7,"title":"Den"}""", "id", "invalid")]
    [InlineData("""{"id":"lobby","title":"Den"}""", "id", "taken")]
    [InlineData("""{"id":"den"}""", "title", "required")]
    [InlineData("""{"id":"den","title":"  "}""", "title", "required")]
    [InlineData("""{"id":"den","title":["Den"]}""", "title", "invalid")]
    [InlineData("""{"id":"den","title":"Den","topic":4}""", "topic", "invalid")]
    [InlineData("""{"id":"den","title":"Den","visibility":"secret"}""", "visibility", "invalid")]
    public async Task Attack_43_A_room_that_cannot_be_made_is_refused_with_the_field_named(string body, string field, string code)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var http = await AsAsync(broker, "ana");
        await ExpectAsync(HttpStatusCode.Created, http, HttpMethod.Post, "/api/rooms", """{"id":"allowed","title":"Allowed"}""");

        var problem = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Post, "/api/rooms", body);

        Assert.Equal("invalid_fields", problem.GetProperty("code").GetString());
        Assert.Equal(code, problem.GetProperty("errors").GetProperty(field)[0].GetProperty("code").GetString());
        var rooms = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms");
        Assert.Equal(["allowed", "lobby"], rooms.GetProperty("rooms").EnumerateArray().Select(room => room.GetProperty("id").GetString()!).Order());
    }

    [Theory]
    [InlineData("title")]
    [InlineData("topic")]
    public async Task Fault_S26_No_room_draws_over_the_lines_beside_it(string field)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var http = await AsAsync(broker, "ana");
        Dictionary<string, string> room = new() { ["id"] = "den", ["title"] = "Den", [field] = "Z" + new string('\u0334', 4) };
        await ExpectAsync(HttpStatusCode.Created, http, HttpMethod.Post, "/api/rooms", JsonSerializer.Serialize(room));

        var stacked = "Z" + new string('\u0334', 5);
        var changed = await ExpectAsync(
            HttpStatusCode.BadRequest, http, HttpMethod.Patch, "/api/rooms/den",
            JsonSerializer.Serialize(new Dictionary<string, string> { [field] = stacked }));
        (room["id"], room[field]) = ("other", stacked);
        var created = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Post, "/api/rooms", JsonSerializer.Serialize(room));

        Assert.All(
            [created, changed],
            problem => Assert.Equal("invalid", problem.GetProperty("errors").GetProperty(field)[0].GetProperty("code").GetString()));
    }

    [Theory]
    [InlineData("title", 81, "too_long")]
    [InlineData("topic", 201, "too_long")]
    public async Task Too_long_is_said_of_new_and_of_changed_rooms(string field, int length, string code)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var http = await AsAsync(broker, "ana");
        var text = new string('ã', length);
        var fits = new string('ã', length - 1);
        Dictionary<string, string> room = new() { ["id"] = "den", ["title"] = "Den", [field] = text };

        var created = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Post, "/api/rooms", JsonSerializer.Serialize(room));
        room[field] = fits;
        await ExpectAsync(HttpStatusCode.Created, http, HttpMethod.Post, "/api/rooms", JsonSerializer.Serialize(room));
        var changed = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Patch, "/api/rooms/den", JsonSerializer.Serialize(new Dictionary<string, string> { [field] = text }));

        Assert.All([created, changed], problem => Assert.Equal(code, problem.GetProperty("errors").GetProperty(field)[0].GetProperty("code").GetString()));
        var now = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/den");
        Assert.Equal(fits, now.GetProperty(field).GetString());
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=501", "limit")]
    [InlineData("limit=ten", "limit")]
    [InlineData("limit=1&limit=2", "limit")]
    [InlineData("before=0", "before")]
    [InlineData("before=-1", "before")]
    [InlineData("before=99999999999999999999", "before")]
    [InlineData("after=-1", "after")]
    [InlineData("after=1.5", "after")]
    [InlineData("before=5&after=1", "after")]
    public async Task Attack_68_A_bad_page_is_refused_with_the_field_named(string query, string field)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var http = await AsAsync(broker, "ana");
        await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/lobby/events?limit=500");

        var problem = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Get, $"/api/rooms/lobby/events?{query}");

        Assert.Equal("invalid", problem.GetProperty("errors").GetProperty(field)[0].GetProperty("code").GetString());
    }

    [Fact]
    public async Task History_comes_in_pages_oldest_first()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using var http = Client(broker, ana.Token);
        await using var speaker = await broker.ConnectAsync(ana);
        for (var i = 1; i <= 60; i++)
        {
            await speaker.PublishAsync("rooms/lobby", $"{i}");
        }

        Assert.Equal(Enumerable.Range(11, 50), await SeqsAsync(http, ""));
        Assert.Equal(Enumerable.Range(1, 10), await SeqsAsync(http, "?before=11"));
        Assert.Equal(Enumerable.Range(6, 5), await SeqsAsync(http, "?before=11&limit=5"));
        Assert.Equal(Enumerable.Range(59, 2), await SeqsAsync(http, "?after=58"));
        Assert.Equal(Enumerable.Range(1, 3), await SeqsAsync(http, "?after=0&limit=3"));
        Assert.Empty(await SeqsAsync(http, "?after=60"));
        var page = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/lobby/events?limit=1");
        Assert.Equal(60, page.GetProperty("head").GetInt64());
        Assert.Equal("60", page.GetProperty("events")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Fault_S3_A_page_ends_at_a_mebibyte_and_what_it_leaves_out_is_in_the_next()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using var http = Client(broker, ana.Token);
        await using var speaker = await broker.ConnectAsync(ana);
        var longest = JsonSerializer.Serialize(new { type = "message", text = new string('\u0001', 4000) });
        for (var i = 1; i <= 100; i++)
        {
            await speaker.PublishAsync("rooms/lobby", longest);
            await speaker.PublishAsync("users/ana", longest);
        }

        foreach (var path in new[] { "/api/rooms/lobby/events", "/api/whispers" })
        {
            List<int> back = [], on = [];
            while (back.Count == 0 || back[0] > 1)
            {
                back.InsertRange(0, await PageAsync($"{path}?limit=500{(back.Count > 0 ? $"&before={back[0]}" : "")}"));
            }

            while (on.Count == 0 || on[^1] < 100)
            {
                on.AddRange(await PageAsync($"{path}?limit=500&after={(on.Count > 0 ? on[^1] : 0)}"));
            }

            Assert.Equal(Enumerable.Range(1, 100), back);
            Assert.Equal(Enumerable.Range(1, 100), on);
        }

        async Task<List<int>> PageAsync(string path)
        {
            var json = await http.GetStringAsync(path, TestContext.Current.CancellationToken);
            Assert.InRange(json.Length, 900_000 / 4, EventPage.MostBytes + 1024);
            var page = JsonDocument.Parse(json).RootElement;
            Assert.Equal(100, page.GetProperty("head").GetInt64());
            return [.. page.GetProperty("events").EnumerateArray().Select(one => one.GetProperty("seq").GetInt32())];
        }
    }

    [Fact]
    public async Task A_page_has_one_event_at_least_however_long_it_is()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:TextLength", "0", "--WebMessenger:Limits:PayloadBytes", "2000000");
        var ana = await broker.RegisterAsync("ana");
        using var http = Client(broker, ana.Token);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/lobby", new string('x', 1_500_000));
        await speaker.PublishAsync("rooms/lobby", "short");

        Assert.Equal([1], await SeqsAsync(http, "?after=0"));
        Assert.Equal([2], await SeqsAsync(http, ""));
        Assert.Equal([1], await SeqsAsync(http, "?before=2"));
    }

    [Theory]
    [InlineData("GET", "/api/rooms/{0}")]
    [InlineData("PATCH", "/api/rooms/{0}")]
    [InlineData("DELETE", "/api/rooms/{0}")]
    [InlineData("GET", "/api/rooms/{0}/events")]
    [InlineData("GET", "/api/rooms/{0}/people")]
    [InlineData("PUT", "/api/rooms/{0}/members/me")]
    [InlineData("DELETE", "/api/rooms/{0}/members/me")]
    public async Task Attack_36_46_A_private_and_an_unknown_room_give_one_answer(string method, string path)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var first = await AsAsync(broker, "first");
        using var maker = await AsAsync(broker, "maker");
        using var other = await AsAsync(broker, "other");
        await ExpectAsync(HttpStatusCode.Created, maker, HttpMethod.Post, "/api/rooms", """{"id":"den","title":"Den","visibility":"private"}""");
        await ExpectAsync(HttpStatusCode.OK, maker, HttpMethod.Get, "/api/rooms/den/events");

        List<string> answers = [];
        foreach (var room in new[] { "den", "nowhere", "..%2fden", "DEN" })
        {
            var problem = await ExpectAsync(
                HttpStatusCode.NotFound, other, HttpMethod.Parse(method), path.Replace("{0}", room, StringComparison.Ordinal), method == "PATCH" ? """{"title":"Mine"}""" : null);
            answers.Add($"{problem.GetProperty("code")} {problem.GetProperty("detail")}");
        }

        Assert.Single(answers.Distinct());
    }

    [Fact]
    public async Task Only_those_who_may_change_rooms_do()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomsPerAccount", "1");
        using var admin = await AsAsync(broker, "admina");
        var maker = await broker.RegisterAsync("maker");
        using var makers = Client(broker, maker.Token);
        using var other = await AsAsync(broker, "other");
        using var limited = Client(broker, await broker.TokenAsync(maker.Account, verbs: Verbs.Read));
        using var nobody = new HttpClient { BaseAddress = broker.Http };
        await ExpectAsync(HttpStatusCode.Created, makers, HttpMethod.Post, "/api/rooms", """{"id":"den","title":"Den"}""");

        await ExpectAsync(HttpStatusCode.Unauthorized, nobody, HttpMethod.Get, "/api/rooms");
        await ExpectAsync(HttpStatusCode.Conflict, makers, HttpMethod.Post, "/api/rooms", """{"id":"second","title":"One too many"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, limited, HttpMethod.Post, "/api/rooms", """{"id":"third","title":"Not with this token"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, limited, HttpMethod.Delete, "/api/rooms/den");
        await ExpectAsync(HttpStatusCode.Forbidden, limited, HttpMethod.Delete, "/api/rooms/den/members/me");
        await ExpectAsync(HttpStatusCode.Forbidden, other, HttpMethod.Patch, "/api/rooms/den", """{"title":"Mine"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, other, HttpMethod.Delete, "/api/rooms/den");
        await ExpectAsync(HttpStatusCode.Forbidden, other, HttpMethod.Delete, "/api/rooms/den/members/maker");
        await ExpectAsync(HttpStatusCode.Forbidden, other, HttpMethod.Put, "/api/rooms/den/members/admina");
        await ExpectAsync(HttpStatusCode.Accepted, makers, HttpMethod.Put, "/api/rooms/den/members/nobody");
        await ExpectAsync(HttpStatusCode.NoContent, makers, HttpMethod.Delete, "/api/rooms/den/members/other");
        await ExpectAsync(HttpStatusCode.NotFound, other, HttpMethod.Delete, "/api/rooms/den/members/me");
        await ExpectAsync(HttpStatusCode.Conflict, admin, HttpMethod.Delete, "/api/rooms/lobby", """{"password":"correct horse battery staple"}""");
        await ExpectAsync(HttpStatusCode.Conflict, admin, HttpMethod.Patch, "/api/rooms/lobby", """{"visibility":"private"}""");
        await ExpectAsync(HttpStatusCode.UnsupportedMediaType, makers, HttpMethod.Patch, "/api/rooms/den", "title=x", "application/x-www-form-urlencoded");
        await ExpectAsync(HttpStatusCode.BadRequest, makers, HttpMethod.Patch, "/api/rooms/den", "{");

        var den = await ExpectAsync(HttpStatusCode.OK, admin, HttpMethod.Patch, "/api/rooms/den", """{"topic":"Changed by the administrator"}""");
        Assert.Equal("Den", den.GetProperty("title").GetString());
        await ExpectAsync(HttpStatusCode.NoContent, admin, HttpMethod.Delete, "/api/rooms/den");
    }

    [Fact]
    public async Task Attack_80_By_HTTP_too_a_token_has_its_rooms_and_verbs_only()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Rooms:Default:0", "lobby", "--WebMessenger:Rooms:Default:1", "garden");
        var ana = await broker.RegisterAsync("ana");
        using var whole = Client(broker, ana.Token);
        using var reader = Client(broker, await broker.TokenAsync(ana.Account, ["garden"], Verbs.Read));
        using var poster = Client(broker, await broker.TokenAsync(ana.Account, ["garden"], Verbs.Post));
        foreach (var room in new[] { "lobby", "garden" })
        {
            await ExpectAsync(HttpStatusCode.OK, whole, HttpMethod.Get, $"/api/rooms/{room}");
            await ExpectAsync(HttpStatusCode.OK, whole, HttpMethod.Get, $"/api/rooms/{room}/events");
        }

        var listed = await ExpectAsync(HttpStatusCode.OK, reader, HttpMethod.Get, "/api/rooms");
        Assert.Equal(["garden"], listed.GetProperty("rooms").EnumerateArray().Select(room => room.GetProperty("id").GetString()!));
        await ExpectAsync(HttpStatusCode.OK, reader, HttpMethod.Get, "/api/rooms/garden");
        await ExpectAsync(HttpStatusCode.OK, reader, HttpMethod.Get, "/api/rooms/garden/events");
        foreach (var (limited, room) in new[] { (reader, "lobby"), (poster, "lobby"), (poster, "garden") })
        {
            await ExpectAsync(HttpStatusCode.NotFound, limited, HttpMethod.Get, $"/api/rooms/{room}");
            await ExpectAsync(HttpStatusCode.NotFound, limited, HttpMethod.Get, $"/api/rooms/{room}/events");
            await ExpectAsync(HttpStatusCode.NotFound, limited, HttpMethod.Delete, $"/api/rooms/{room}");
        }

        await ExpectAsync(HttpStatusCode.Forbidden, reader, HttpMethod.Post, "/api/rooms", """{"id":"den","title":"Den"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, reader, HttpMethod.Patch, "/api/rooms/garden", """{"title":"Mine"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, reader, HttpMethod.Delete, "/api/rooms/garden");
        foreach (var path in new[] { "/api/session", "/api/sessions", "/api/tokens" })
        {
            await ExpectAsync(HttpStatusCode.Unauthorized, whole, HttpMethod.Get, path);
        }
    }

    [Fact]
    public async Task Attack_50_A_foreign_page_changes_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        using HttpClient page = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        page.DefaultRequestHeaders.Add("Cookie", $"webmessenger={browser.Secret}");
        await ExpectAsync(HttpStatusCode.Created, page, HttpMethod.Post, "/api/rooms", """{"id":"den","title":"Den"}""");
        page.DefaultRequestHeaders.Add("Origin", "https://evil.example");

        await ExpectAsync(HttpStatusCode.Forbidden, page, HttpMethod.Post, "/api/rooms", """{"id":"trap","title":"Trap"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, page, HttpMethod.Patch, "/api/rooms/den", """{"title":"Trap"}""");
        await ExpectAsync(HttpStatusCode.Forbidden, page, HttpMethod.Put, "/api/rooms/lobby/members/me");
        await ExpectAsync(HttpStatusCode.Forbidden, page, HttpMethod.Delete, "/api/rooms/den");
    }

    private static async Task<HttpClient> AsAsync(RunningBroker broker, string userName) => Client(broker, (await broker.RegisterAsync(userName)).Token);

    private static HttpClient Client(RunningBroker broker, string token)
    {
        HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    private static async Task<IEnumerable<int>> SeqsAsync(HttpClient http, string query)
    {
        var page = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/lobby/events" + query);
        return page.GetProperty("events").EnumerateArray().Select(entry => entry.GetProperty("seq").GetInt32()).ToList();
    }

    private static async Task<JsonElement> ExpectAsync(
        HttpStatusCode status, HttpClient http, HttpMethod method, string path, string? body = null, string contentType = "application/json")
    {
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, contentType) };
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == answer.StatusCode, $"{method} {path} answered {(int)answer.StatusCode}: {text}");
        if ((int)status >= 400)
        {
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        }

        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }
}
