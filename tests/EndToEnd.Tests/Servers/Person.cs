using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>One signed-in browser without its pages: an account, a cookie, and the HTTP API.</summary>
internal sealed class Person : IDisposable
{
    public const string Password = "a horse, correct, and a battery staple";
    private static readonly JsonSerializerOptions _sparse = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private static int _count;
    private readonly SocketsHttpHandler _handler = new() { UseProxy = false };
    private readonly Uri _server;
    private readonly Uri _pages;

    /// <param name="pages">The node that the test's pages are of; null: the same.</param>
    private Person(Uri server, string userName, string displayName, Uri? pages = null)
    {
        _server = server;
        _pages = pages ?? server;
        (UserName, DisplayName) = (userName, displayName);
        Http = new HttpClient(_handler) { BaseAddress = server, Timeout = TimeSpan.FromSeconds(60) };
    }

    public HttpClient Http { get; }

    public string UserName { get; }

    public string DisplayName { get; }

    public string Email => $"{UserName}@example.org";

    /// <summary>`name=value`, as a Cookie header carries it.</summary>
    public string Cookie => _handler.CookieContainer.GetCookieHeader(_server);

    /// <summary>A new account with a name that no other test uses, signed in. Of a server that is node 2: at node 1.</summary>
    public static async Task<Person> RegisterAsync(ServerProcess server, string name = "ana", string? displayName = null)
    {
        var userName = $"{name}{Interlocked.Increment(ref _count)}";
        Person person = new(server.Elsewhere.Address, userName, displayName ?? $"Dona {userName}", server.Address);
        await Expect(HttpStatusCode.Created, await person.Http.PostAsJsonAsync(
            "/api/accounts", new { email = person.Email, userName, displayName = person.DisplayName, password = Password, firstCode = server.FirstCode }));
        return person;
    }

    /// <summary>The same account in another browser.</summary>
    public async Task<Person> SignInElsewhereAsync()
    {
        Person other = new(_server, UserName, DisplayName, _pages);
        await Expect(HttpStatusCode.OK, await other.Http.PostAsJsonAsync("/api/session", new { login = UserName, password = Password }));
        return other;
    }

    /// <summary>The same account at another node of its house, in another browser.</summary>
    public async Task<Person> SignInAtAsync(ServerProcess node)
    {
        Person other = new(node.Address, UserName, DisplayName);
        await Expect(HttpStatusCode.OK, await other.Http.PostAsJsonAsync("/api/session", new { login = UserName, password = Password }));
        return other;
    }

    /// <summary>The same browser at another node of its house.</summary>
    public Person At(ServerProcess node)
    {
        Person here = new(node.Address, UserName, DisplayName);
        here._handler.CookieContainer.SetCookies(node.Address, Cookie);
        return here;
    }

    /// <summary>An access token for all rooms and verbs.</summary>
    /// <param name="rooms">Null: all.</param>
    public async Task<string> NewTokenAsync(string[]? rooms = null)
    {
        var answer = await Expect(HttpStatusCode.Created, await Http.PostAsJsonAsync("/api/tokens", new { name = "a shell", rooms }, _sparse));
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
    }

    /// <summary>An access token of a device: its clients see the data topics of the room as a whole broker.</summary>
    public async Task<string> NewMountAsync(string room)
    {
        var answer = await Expect(HttpStatusCode.Created, await Http.PostAsJsonAsync("/api/tokens", new { name = "a device", mount = room }));
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
    }

    /// <summary>A public room that no other test knows.</summary>
    public async Task<string> NewRoomAsync(string? title = null, string? id = null, string visibility = "public")
    {
        id ??= $"room-{Guid.NewGuid():N}";
        await Expect(HttpStatusCode.Created, await Http.PostAsJsonAsync("/api/rooms", new { id, title = title ?? $"Room of {DisplayName}", visibility }));
        return id;
    }

    public async Task NewWebhookAsync(string room, string name, Uri url) =>
        await Expect(HttpStatusCode.Created, await Http.PostAsJsonAsync($"/api/rooms/{room}/webhooks", new { name, url }));

    public async Task DeleteRoomAsync(string id) => await Expect(HttpStatusCode.NoContent, await Http.DeleteAsync($"/api/rooms/{id}"));

    /// <summary>Invites somebody into a room, who accepts.</summary>
    public async Task BringInAsync(string room, Person other)
    {
        await InviteAsync(room, other.UserName);
        await other.EnterAsync(room);
    }

    public async Task InviteAsync(string room, string userName) =>
        await Expect(HttpStatusCode.Accepted, await Http.PutAsync($"/api/rooms/{room}/members/{userName}", null));

    /// <summary>A link into a room, by its path: it ends in the secret.</summary>
    public async Task<string> NewInviteAsync(string room)
    {
        var answer = await Expect(HttpStatusCode.Created, await Http.PostAsJsonAsync($"/api/rooms/{room}/invites", new { }));
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("path").GetString()!;
    }

    /// <summary>Says something in a room, from a script.</summary>
    /// <param name="replyTo">The seq of what it answers; null: nothing.</param>
    public async Task SayAsync(ServerProcess server, string room, string text, long? replyTo = null)
    {
        await using var script = await server.PageAsync(Cookie);
        Assert.True((await script.ConnectAsync()).Accepted);
        Assert.True((await script.PublishAsync($"rooms/{room}", JsonSerializer.Serialize(new { type = "message", text, replyTo }, _sparse))).Accepted);
    }

    /// <summary>Does something with what was said in a room, or with the room.</summary>
    public async Task ActAsync(string room, object command) =>
        await Expect(HttpStatusCode.Created, await Http.PostAsJsonAsync($"/api/rooms/{room}/events", command));

    /// <summary>Into a public room, or one that the account is invited into.</summary>
    public async Task EnterAsync(string room) => await Expect(HttpStatusCode.NoContent, await Http.PutAsync($"/api/rooms/{room}/members/me", null));

    public async Task RemoveMemberAsync(string room, string userName) =>
        await Expect(HttpStatusCode.NoContent, await Http.DeleteAsync($"/api/rooms/{room}/members/{userName}"));

    /// <summary>From the whole server, as its administrator.</summary>
    public async Task BanAsync(Person other)
    {
        var answer = await Http.PostAsJsonAsync($"/api/admin/accounts/{other.UserName}/ban", new { });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async Task LogOutAsync() => await Expect(HttpStatusCode.NoContent, await Http.DeleteAsync("/api/session"));

    /// <summary>The newest events of a room, oldest first, as the node of the pages has them: what a page shows is among them.</summary>
    public async Task<IReadOnlyList<JsonElement>> EventsAsync(string room = "lobby", int limit = 500)
    {
        if (_pages != _server)
        {
            // To what is no GET node 1 answers when node 2 has heard all that was said there.
            (await Http.DeleteAsync(new Uri("/api/nothing", UriKind.Relative))).Dispose();
        }

        var page = await Http.GetFromJsonAsync<JsonElement>(new Uri(_pages, $"/api/rooms/{room}/events?limit={limit}"));
        return [.. page.GetProperty("events").EnumerateArray()];
    }

    public void Dispose() => Http.Dispose();

    private static async Task<HttpResponseMessage> Expect(HttpStatusCode status, HttpResponseMessage answer)
    {
        Assert.True(
            answer.StatusCode == status,
            $"{answer.RequestMessage?.Method} {answer.RequestMessage?.RequestUri?.PathAndQuery} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        return answer;
    }
}
