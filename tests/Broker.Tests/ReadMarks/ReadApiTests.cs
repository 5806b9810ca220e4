using System.Net;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>How far one has read, over HTTP; and the whispers.</summary>
public sealed class ReadApiTests
{
    [Fact]
    public async Task What_is_said_over_HTTP_is_heard_over_MQTT_and_the_other_way_round()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InLobbyAsync(broker);
        using var http = Client(broker, ana.Token);
        await using var device = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        await device.SubscribeAsync("users/ana/read/+");
        Assert.True((await device.NextPublishAsync()).Retain);
        var first = await other.PublishAsync("rooms/lobby", "one");
        var second = await other.PublishAsync("rooms/lobby", "two");
        var third = await other.PublishAsync("rooms/lobby", "three");

        var answer = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Put, "/api/rooms/lobby/read", $$"""{"seq":{{first.Seq}},"epoch":"{{first.Epoch}}"}""");
        Assert.Equal($$"""{"seq":{{first.Seq}},"epoch":"{{first.Epoch}}","unread":2}""", answer.GetRawText());
        Assert.Equal($$"""{"v":1,"type":"read","room":"lobby","seq":{{first.Seq}},"epoch":"{{first.Epoch}}","unread":2}""", (await device.NextPublishAsync()).Text);

        await device.PublishAsync("users/ana/read/lobby", $$"""{"seq":{{second.Seq}}}""");
        foreach (var path in (string[])["/api/rooms/lobby", "/api/rooms"])
        {
            var room = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, path);
            room = path == "/api/rooms" ? room.GetProperty("rooms")[0] : room;
            Assert.Equal($$"""{"seq":{{second.Seq}},"epoch":"{{second.Epoch}}"}""", room.GetProperty("read").GetRawText());
            Assert.Equal((1, third.Seq), (room.GetProperty("unread").GetInt32(), room.GetProperty("head").GetInt64()));
        }

        // Forward only, and not beyond what is there.
        answer = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Put, "/api/rooms/lobby/read", """{"seq":0}""");
        Assert.Equal((second.Seq, 1), (answer.GetProperty("seq").GetInt64(), answer.GetProperty("unread").GetInt32()));
        answer = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Put, "/api/rooms/lobby/read", $$"""{"seq":{{long.MaxValue}}}""");
        Assert.Equal((third.Seq, 0), (answer.GetProperty("seq").GetInt64(), answer.GetProperty("unread").GetInt32()));
    }

    [Fact]
    public async Task Rooms_that_are_not_mine_say_nothing_of_reading()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InLobbyAsync(broker);
        using var http = Client(broker, ana.Token);
        using var others = Client(broker, bob.Token);
        await ExpectAsync(HttpStatusCode.Created, others, HttpMethod.Post, "/api/rooms", """{"id":"garden","title":"Garden"}""");

        var mine = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/lobby");
        var theirs = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/garden");

        Assert.True(mine.TryGetProperty("read", out _) && mine.TryGetProperty("unread", out _));
        Assert.False(theirs.TryGetProperty("read", out _) || theirs.TryGetProperty("unread", out _) || theirs.GetProperty("member").GetBoolean());
    }

    [Theory]
    [InlineData("/api/rooms/lobby/read")]
    [InlineData("/api/whispers/read")]
    public async Task A_wrong_field_is_named(string path)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InLobbyAsync(broker);
        using var http = Client(broker, ana.Token);
        await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Put, path, """{"seq":0,"epoch":null,"more":1}""");

        foreach (var (body, field, code) in ((string, string, string)[])
            [("""{"epoch":"x"}""", "seq", "required"), ("""{"seq":-1}""", "seq", "invalid"), ("""{"seq":"1"}""", "seq", "invalid"), ("""{"seq":1.5}""", "seq", "invalid"), ("""{"seq":1,"epoch":5}""", "epoch", "invalid")])
        {
            var problem = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Put, path, body);
            Assert.Equal(code, problem.GetProperty("errors").GetProperty(field)[0].GetProperty("code").GetString());
        }

        Assert.Equal("epoch", (await ExpectAsync(HttpStatusCode.Conflict, http, HttpMethod.Put, path, """{"seq":1,"epoch":"zzzzzz"}""")).GetProperty("code").GetString());
        Assert.Equal("invalid_json", (await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Put, path, "{")).GetProperty("code").GetString());
        await ExpectAsync(HttpStatusCode.UnsupportedMediaType, http, HttpMethod.Put, path, "seq=1", "application/x-www-form-urlencoded");
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("secret")]
    [InlineData("garden")]
    [InlineData("..%2flobby")]
    public async Task Attack_36_A_room_one_is_not_in_has_no_position_to_set(string room)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InLobbyAsync(broker);
        using var others = Client(broker, bob.Token);
        await ExpectAsync(HttpStatusCode.Created, others, HttpMethod.Post, "/api/rooms", """{"id":"garden","title":"Garden"}""");
        await ExpectAsync(HttpStatusCode.Created, others, HttpMethod.Post, "/api/rooms", """{"id":"secret","title":"Secret","visibility":"private"}""");
        await ExpectAsync(HttpStatusCode.OK, others, HttpMethod.Put, "/api/rooms/secret/read", """{"seq":0}""");
        using var http = Client(broker, ana.Token);

        var problem = await ExpectAsync(HttpStatusCode.NotFound, http, HttpMethod.Put, $"/api/rooms/{room}/read", """{"seq":0}""");

        Assert.Equal("no_such_room", problem.GetProperty("code").GetString());
        Assert.False(broker.Room("garden").IsMember(ana.Account.Id));
    }

    [Fact]
    public async Task Attack_80_An_access_token_reads_and_marks_what_it_may_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InLobbyAsync(broker);
        using var http = Client(broker, ana.Token);
        await ExpectAsync(HttpStatusCode.Created, http, HttpMethod.Post, "/api/rooms", """{"id":"den","title":"Den"}""");
        using var reader = Client(broker, await broker.TokenAsync(ana.Account, verbs: Verbs.Read));
        using var poster = Client(broker, await broker.TokenAsync(ana.Account, verbs: Verbs.Post));
        using var limited = Client(broker, await broker.TokenAsync(ana.Account, ["den"]));

        await ExpectAsync(HttpStatusCode.OK, reader, HttpMethod.Put, "/api/rooms/den/read", """{"seq":0}""");
        await ExpectAsync(HttpStatusCode.OK, limited, HttpMethod.Put, "/api/rooms/den/read", """{"seq":0}""");
        await ExpectAsync(HttpStatusCode.NotFound, limited, HttpMethod.Put, "/api/rooms/lobby/read", """{"seq":0}""");
        await ExpectAsync(HttpStatusCode.NotFound, poster, HttpMethod.Put, "/api/rooms/den/read", """{"seq":0}""");
        foreach (var (method, path, body) in ((HttpMethod, string, string?)[])[(HttpMethod.Get, "/api/whispers", null), (HttpMethod.Put, "/api/whispers/read", """{"seq":0}""")])
        {
            await ExpectAsync(HttpStatusCode.OK, reader, method, path, body);
            await ExpectAsync(HttpStatusCode.Forbidden, limited, method, path, body);
            await ExpectAsync(HttpStatusCode.Forbidden, poster, method, path, body);
        }
    }

    [Fact]
    public async Task Whispers_come_in_pages_and_only_to_whom_they_were_meant_for()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InLobbyAsync(broker);
        await using var device = await broker.ConnectAsync(ana);
        await device.SubscribeAsync("users/ana");
        await using var other = await broker.ConnectAsync(bob);
        for (var i = 1; i <= 5; i++)
        {
            await other.PublishAsync("users/ana", $"whisper {i}");
        }

        List<string> heard = [];
        while (heard.Count < 5)
        {
            heard.Add((await device.NextPublishAsync()).Text);
        }

        var browser = await broker.SignInAsync(ana.Account);
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Add("Cookie", $"webmessenger={browser.Secret}");

        var page = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/whispers?after=1&limit=3");
        Assert.Equal(heard[1..4], page.GetProperty("events").EnumerateArray().Select(whisper => whisper.GetRawText()));
        var epoch = page.GetProperty("epoch").GetString();
        Assert.Equal(("5 1", $$"""{"seq":0,"epoch":"{{epoch}}"}""", 5), ($"{page.GetProperty("head")} {page.GetProperty("first")}", page.GetProperty("read").GetRawText(), page.GetProperty("unread").GetInt32()));
        page = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Get, "/api/whispers?before=3");
        Assert.Equal(heard[..2], page.GetProperty("events").EnumerateArray().Select(whisper => whisper.GetRawText()));
        var problem = await ExpectAsync(HttpStatusCode.BadRequest, http, HttpMethod.Get, "/api/whispers?before=3&after=1");
        Assert.True(problem.GetProperty("errors").TryGetProperty("after", out _));

        var marked = await ExpectAsync(HttpStatusCode.OK, http, HttpMethod.Put, "/api/whispers/read", $$"""{"seq":4,"epoch":"{{epoch}}"}""");
        Assert.Equal($$"""{"seq":4,"epoch":"{{epoch}}","unread":1}""", marked.GetRawText());

        // Bob has an inbox of his own, with what he said himself.
        using var others = Client(broker, bob.Token);
        var own = await ExpectAsync(HttpStatusCode.OK, others, HttpMethod.Get, "/api/whispers");
        Assert.Equal((5, 0), (own.GetProperty("head").GetInt32(), own.GetProperty("unread").GetInt32()));
        Assert.All(own.GetProperty("events").EnumerateArray(), sent => Assert.Equal("sent", sent.Type()));
    }

    [Fact]
    public async Task Attack_50_A_foreign_page_marks_nothing_and_nobody_is_not_let_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InLobbyAsync(broker);
        var browser = await broker.SignInAsync(ana.Account);
        using HttpClient page = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        using HttpClient nobody = new() { BaseAddress = broker.Http };
        page.DefaultRequestHeaders.Add("Cookie", $"webmessenger={browser.Secret}");
        await ExpectAsync(HttpStatusCode.OK, page, HttpMethod.Put, "/api/rooms/lobby/read", """{"seq":0}""");
        page.DefaultRequestHeaders.Add("Origin", "https://evil.example");

        foreach (var path in (string[])["/api/rooms/lobby/read", "/api/whispers/read"])
        {
            await ExpectAsync(HttpStatusCode.Forbidden, page, HttpMethod.Put, path, """{"seq":0}""");
            await ExpectAsync(HttpStatusCode.Unauthorized, nobody, HttpMethod.Put, path, """{"seq":0}""");
        }

        await ExpectAsync(HttpStatusCode.Unauthorized, nobody, HttpMethod.Get, "/api/whispers");
    }

    [Fact]
    public async Task The_machine_readable_description_has_these_calls()
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };

        using var description = JsonDocument.Parse(await http.GetStringAsync(new Uri("/api/openapi.json", UriKind.Relative), TestContext.Current.CancellationToken));

        var paths = description.RootElement.GetProperty("paths");
        Assert.True(paths.GetProperty("/api/whispers").TryGetProperty("get", out _));
        Assert.True(paths.GetProperty("/api/whispers/read").GetProperty("put").TryGetProperty("requestBody", out _));
        Assert.True(paths.GetProperty("/api/rooms/{room}/read").GetProperty("put").TryGetProperty("requestBody", out _));
    }

    private static async Task<(Member Ana, Member Bob)> InLobbyAsync(RunningBroker broker)
    {
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        foreach (var member in (Member[])[ana, bob])
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), member.Account);
        }

        return (ana, bob);
    }

    private static HttpClient Client(RunningBroker broker, string token)
    {
        HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    private static async Task<JsonElement> ExpectAsync(
        HttpStatusCode status, HttpClient http, HttpMethod method, string path, string? body = null, string contentType = "application/json")
    {
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, contentType) };
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == answer.StatusCode, $"{method} {path} answered {(int)answer.StatusCode}: {text}");
        Assert.True(answer.Headers.CacheControl?.NoStore);
        if ((int)status >= 400)
        {
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        }

        return JsonDocument.Parse(text).RootElement;
    }
}
