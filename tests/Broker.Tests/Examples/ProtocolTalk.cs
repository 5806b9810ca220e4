using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Tests.Archives;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Tests.Search;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>Three people do one of everything that docs/protocol.md has an example of, and what comes of it is heard.</summary>
internal sealed class ProtocolTalk(RunningBroker broker, Heard heard) : IAsyncDisposable
{
    private const string Lobby = "rooms/lobby";

    private Member _ana = null!, _bea = null!;
    private RawMqttClient _anas = null!, _beas = null!, _caios = null!;
    private Calls _http = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<Member> MayAllAsync(RunningBroker broker, string user, string name)
    {
        var member = await broker.RegisterAsync(user, name);
        return member with { Token = await broker.TokenAsync(member.Account, verbs: Verbs.Everything) };
    }

    public async Task HoldAsync()
    {
        (_ana, _bea) = (await MayAllAsync(broker, "ana", "Ana"), await MayAllAsync(broker, "bea", "Béa"));
        var caio = await MayAllAsync(broker, "caio", "Caio");
        (_anas, _beas, _caios) = (await broker.ConnectAsync(_ana), await broker.ConnectAsync(_bea), await broker.ConnectAsync(caio));
        _http = Calls.As(broker, _ana);
        foreach (var filter in new[]
        {
            Lobby, "rooms/lobby/people", "rooms/lobby/presence/+", "rooms/lobby/info", "users/ana", "users/ana/notices", "users/ana/unread",
            "users/ana/read/#", "users/ana/conversations/+/read",
        })
        {
            Assert.InRange(Assert.Single((await _anas.SubscribeAsync(filter)).ReasonCodes), 0, 1);
        }

        await _beas.SubscribeAsync([new Filter("users/bea"), new Filter("users/bea/unread"), new Filter("users/bea/notices")]);
        _ = heard.ListenAsync(_anas);
        _ = heard.ListenAsync(_beas);
        await AccountsAsync();
        var whispered = await ConversationsAsync();
        var said = await RoomAsync();
        await PeopleAsync();
        await InvitationsAsync();
        await AskedOfHostsAsync(caio);
        await ValuesAsync();
        await KeptForMeAsync(said, whispered);
        await RoomFile.SendAsync(broker, _bea, RoomFile.Of(1).Zipped());
        (await RoomFile.HistoryAsync(broker, _bea)).ForEach(heard.Add);
        await ModerationAsync();
        await Acts.ChangeAsync(broker, "lobby", _ana, new() { Posting = "moderators" });
        await AskAsync("/api/rooms/lobby/events?limit=500", "/api/whispers", "/api/conversations/bea/events");
    }

    /// <summary>So many come and go within a second that they are told together.</summary>
    public static async Task RushAsync(Heard heard)
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(time));
        await using var witness = await broker.ConnectAsync(await broker.RegisterAsync("witness"));
        await witness.SubscribeAsync(Lobby);
        _ = heard.ListenAsync(witness);
        List<RawMqttClient> crowd = [];
        for (var number = 0; number < 60; number++)
        {
            var guest = (await broker.Get<Registration>().EnterAsGuestAsync($"Guest {number} of many", null)).Value!;
            crowd.Add(await broker.ConnectBrowserAsync(await broker.SignInAsync(guest)));
        }

        await Task.WhenAll(crowd.Select(client => client.SubscribeAsync(Lobby, 0)));
        broker.Room("lobby").Sweep();
        time.Advance(TimeSpan.FromSeconds(2));
        broker.Room("lobby").Sweep();
        await Task.WhenAll(crowd.Select(client => client.UnsubscribeAsync(Lobby)));
        time.Advance(TimeSpan.FromSeconds(2));
        broker.Room("lobby").Sweep();
        var leave = ProtocolDocument.Examples.First(example => example.Text.StartsWith("{\"v\":1,\"type\":\"leave\"", StringComparison.Ordinal));
        await heard.HearsAsync(leave.Json, RawMqttClient.Patience);
        await Task.WhenAll(crowd.Select(client => client.DisposeAsync().AsTask()));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var client in new[] { _anas, _beas, _caios })
        {
            await client.DisposeAsync();
        }
    }

    private async Task AccountsAsync()
    {
        using HttpClient stranger = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        heard.Add(await stranger.GetFromJsonAsync<JsonElement>(new Uri("/api/server", UriKind.Relative), Cancellation));
        foreach (var body in new object[]
        {
            new { email = "dan@example.org", displayName = "Dan", password = "correct horse battery staple" },
            new { email = "dan@example.org", userName = "dan", displayName = "Dan", password = "correct horse battery staple" },
        })
        {
            using var answer = await stranger.PostAsJsonAsync(new Uri("/api/accounts", UriKind.Relative), body, Cancellation);
            heard.Add(JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement);
        }

        stranger.DefaultRequestHeaders.Add("Cookie", "webmessenger=" + (await broker.SignInAsync(_ana.Account)).Secret);
        heard.Add(await stranger.GetFromJsonAsync<JsonElement>(new Uri("/api/sessions", UriKind.Relative), Cancellation));
        await AdministrationTalk.HoldAsync(broker, stranger, heard);
        await TokensAsync(stranger);
    }

    // Taken as they stand.
    private async Task TokensAsync(HttpClient ana)
    {
        Assert.Contains(ProtocolDocument.Examples, example => example.IsAskedToken);
        foreach (var example in ProtocolDocument.Examples.Where(example => example.IsAskedToken))
        {
            using var answer = await ana.PostAsJsonAsync(new Uri("/api/tokens", UriKind.Relative), example.Json, Cancellation);
            Assert.True(answer.StatusCode == System.Net.HttpStatusCode.Created, $"{example}: {await answer.Content.ReadAsStringAsync(Cancellation)}");
            heard.Add(JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement);
        }

        heard.Add(await ana.GetFromJsonAsync<JsonElement>(new Uri("/api/tokens", UriKind.Relative), Cancellation));
        await DevicesAsync();
    }

    private async Task DevicesAsync()
    {
        const string Devices = "/api/rooms/shed/devices";
        await _http.MakeRoom("shed");
        TopicScope topics = new(["greenhouse/set/#"], ["greenhouse/#"]);
        var made = await broker.Get<AccessTokens>().CreateAsync(_ana.Account, "Greenhouse", null, null, null, mount: new AskedMount("shed", topics, _ => true));
        using var page = await HookPost.PageOfAsync(broker, _ana.Account);
        await page.Expect(System.Net.HttpStatusCode.OK, HttpMethod.Post, $"{Devices}/{made.Value!.Token.Id}/trace");
        await using var device = await broker.ConnectAsync(_ana, clientId: "bed-1", password: made.Value!.Secret);
        await device.PublishAsync("attic/temp", "21.5");
        heard.Add(await page.Get(Devices));
        heard.Add(await page.Get($"{Devices}/{made.Value!.Token.Id}/trace"));
    }

    // Returns the seq of the last message.
    private async Task<long> ConversationsAsync()
    {
        await SayAsync(_caios, "users/ana", "hello");
        var greeting = await SayAsync(_anas, "users/bea", "Olá, Bea");
        await SayAsync(_beas, "users/ana", $$"""{"type":"message","text":"what is it?","replyTo":{{greeting}}}""");
        var said = await SayAsync(_beas, "users/ana", "psst");
        await SayAsync(_beas, "users/ana", $$"""{"type":"edit","of":{{said}},"text":"psst!"}""");
        await SayAsync(_anas, "users/bea", $$"""{"type":"reaction","of":{{said}},"emoji":"👍","on":true}""");
        await SayAsync(_beas, "users/ana", $$"""{"type":"delete","of":{{said}}}""");
        var last = await SayAsync(_beas, "users/ana", "psst");
        heard.Add(await _http.Expect(System.Net.HttpStatusCode.OK, HttpMethod.Put, "/api/conversations/bea/read", new { seq = said }));
        return last;
    }

    // Returns the seq of the message that has reactions.
    private async Task<long> RoomAsync()
    {
        await _anas.SendPublishAsync("rooms/lobby/info", default);
        var (first, other) = (await SayAsync(_anas, Lobby, "first"), await SayAsync(_anas, Lobby, "Olá a todos"));
        var greeting = await SayAsync(_anas, Lobby, "olá, todos");
        var answers = $$"""{"type":"message","text":"hello","replyTo":{{first}}}""";
        var edited = await SayAsync(_anas, Lobby, answers);
        await SayAsync(_anas, Lobby, answers);
        await SayAsync(_beas, Lobby, "hi @ana");
        await SayAsync(_beas, Lobby, $$"""{"type":"message","text":"hi @ana","replyTo":{{edited}}}""");
        await SayAsync(_anas, Lobby, """{"type":"roll","dice":"2d6"}""");
        await SayAsync(_anas, Lobby, $$"""{"type":"edit","of":{{edited}},"text":"hello, all"}""");
        await SayAsync(_anas, Lobby, $$"""{"type":"delete","of":{{first}}}""");
        await SayAsync(_anas, Lobby, $$"""{"type":"reaction","of":{{other}},"emoji":"👍","on":true}""");
        await SayAsync(_anas, Lobby, $$"""{"type":"pin","of":{{other}},"on":true}""");
        await SayAsync(_anas, Lobby, """{"type":"role","user":"bea","role":"moderator"}""");
        await SayAsync(_anas, "users/ana/read/lobby", $$"""{"seq":{{other}}}""");
        await SearchTalk.UntilFoundAsync(broker, _ana, "todos", other, greeting);
        await AskAsync("/api/search?q=todos&limit=1", "/api/search?q=ola&with=bea", "/api/rooms/lobby", "/api/rooms/lobby/events?limit=500");

        var behind = await broker.ConnectAsync(_ana);
        await behind.SubscribeAsync(Lobby, properties: new MqttProperties { { "after", "1" }, { "epoch", "another" } });
        _ = heard.ListenAsync(behind);
        return other;
    }

    // One comes as another goes, over and over: mostly within the same second.
    private async Task PeopleAsync()
    {
        await using var watcher = await broker.ConnectAsync(_ana);
        await _caios.SubscribeAsync(Lobby);
        await watcher.SubscribeAsync("rooms/lobby/people");
        var (comes, goes, coming, going) = (_beas, _caios, "bea", "caio");
        for (var times = 0; times < 4; times++)
        {
            await Task.WhenAll(comes.SubscribeAsync(Lobby), goes.UnsubscribeAsync(Lobby));
            for (var (hasCome, hasGone) = (false, false); !hasCome || !hasGone;)
            {
                var news = (await watcher.NextPublishAsync()).Json;
                hasCome |= news.TryGetProperty("came", out var came) && came.EnumerateArray().Any(one => one.GetProperty("user").GetString() == coming);
                hasGone |= news.TryGetProperty("gone", out var gone) && gone.EnumerateArray().Any(one => one.GetString() == going);
            }

            (comes, goes, coming, going) = (goes, comes, going, coming);
        }
    }

    private async Task InvitationsAsync()
    {
        await _http.MakeRoom("den", "private");
        await _http.Put("/api/rooms/den/members/bea", System.Net.HttpStatusCode.Accepted);
        using var beas = Calls.As(broker, _bea);
        heard.Add(await beas.Get("/api/rooms?limit=50"));
        await InviteLinksAsync();
        await _http.MakeRoom("garden");
        await beas.Put("/api/rooms/garden/members/me");
        await _http.Delete("/api/rooms/garden/members/bea");
    }

    private async Task InviteLinksAsync()
    {
        using var dans = Calls.As(broker, await broker.RegisterAsync("davi"));
        var made = await _http.Expect(System.Net.HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/den/invites", new { uses = 20 });
        heard.Add(made);
        var link = new { secret = made.GetProperty("path").GetString()!["/i#".Length..] };
        heard.Add(await dans.Expect(System.Net.HttpStatusCode.OK, HttpMethod.Post, "/api/invites/look", link));
        heard.Add(await dans.Expect(System.Net.HttpStatusCode.OK, HttpMethod.Post, "/api/invites", link));
        await AskAsync("/api/rooms/den/invites");
    }

    // What is to be decided, by who decides: in the lobby an administrator, for nobody else looks after it who has not reported it.
    private async Task AskedOfHostsAsync(Member caio)
    {
        using var beas = Calls.As(broker, _bea);
        using var caios = Calls.As(broker, caio);
        var said = await SayAsync(_caios, Lobby, "a rude word");
        var asked = new { seq = said, reason = "It is rude." };
        heard.Add(await beas.Expect(System.Net.HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/lobby/reports", asked));
        var reports = await _http.Get("/api/admin/reports?state=open");
        heard.Add(reports);
        var report = "/api/rooms/lobby/reports/" + reports.GetProperty("reports")[0].GetProperty("id").GetString();
        await _http.Expect(System.Net.HttpStatusCode.NoContent, HttpMethod.Put, report, new { decision = "acted" });
        await _http.MakeRoom("shop");
        await Acts.ChangeAsync(broker, "shop", _ana, new() { Entry = "request" });
        foreach (var (who, user) in new[] { (caios, "caio"), (beas, "bea") })
        {
            heard.Add(await who.Expect(System.Net.HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/shop/requests", new { note = "I know Bea." }));
            heard.Add(await _http.Get("/api/rooms/shop/requests"));
            await _http.Expect(System.Net.HttpStatusCode.NoContent, HttpMethod.Put, $"/api/rooms/shop/requests/{user}", new { accept = true });
        }

        await AskAsync("/api/rooms/lobby/reports");
    }

    private async Task ValuesAsync()
    {
        using DataCalls calls = new(broker, _ana.Token, "garden");
        await calls.PutAsync("greenhouse/cam", [0x89, 0x50, 0x4E], "image/png");
        await calls.PutAsync("greenhouse/temp", "21.5");
        await calls.PutAsync("greenhouse/window", "open");
        heard.Add(await calls.ListAsync("?prefix=greenhouse/&limit=2"));
        heard.Add(await calls.ListAsync("/history?topic=greenhouse/temp"));
        await calls.PutAsync("shed/air", "{\"temperature\":21.5}");
        heard.Add(await calls.ListAsync("?prefix=shed/&history=true"));
        await RuleAsync();
    }

    // As they stand in the document, in its order; the one who is muted comes in again before she is kicked.
    private async Task ModerationAsync()
    {
        await _beas.SubscribeAsync(Lobby);
        foreach (var example in ProtocolDocument.Examples.Where(example => example is { IsSent: true, Section: "Kick, ban and mute" }))
        {
            await SayAsync(_anas, Lobby, example.Text);
        }

        await AskAsync("/api/rooms/lobby/audit?limit=2");
    }

    // As it stands in the document it is taken, and shown to who asks for it.
    private async Task RuleAsync()
    {
        var example = ProtocolDocument.Examples.Single(example => example.Language == "json" && example.Json.TryGetProperty("threshold", out _));
        using var page = await HookPost.PageOfAsync(broker, _ana.Account);
        await page.Expect(System.Net.HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/garden/rules", example.Json);
        heard.Add((await page.Get("/api/rooms/garden/rules")).GetProperty("rules")[0].GetProperty("terms"));
    }

    private async Task KeptForMeAsync(long said, long whispered)
    {
        await _http.Put($"/api/saved/rooms/lobby/{said + 1}");
        await _http.Put($"/api/saved/conversations/bea/{whispered}");
        await _http.Put($"/api/saved/rooms/lobby/{said}");
        await AskAsync("/api/saved?limit=2", "/api/conversations?limit=1");
        heard.Add(await _http.Expect(System.Net.HttpStatusCode.OK, HttpMethod.Put, "/api/rooms/lobby/read", new { seq = said }));
    }

    private async Task AskAsync(params string[] paths)
    {
        foreach (var path in paths)
        {
            heard.Add(await _http.Get(path));
        }
    }

    private static async Task<long> SayAsync(RawMqttClient client, string topic, string payload)
    {
        var said = await client.PublishAsync(topic, payload);
        Assert.True(said.Accepted, $"{payload}: {said.ReasonString}");
        return said.Seq;
    }
}
