using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>What pages ask of the server over HTTP; cookies are handed about, so that it may stand for many people.</summary>
internal sealed class Browser(Uri server) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = server };

    public Browser(ServerUnderTest server)
        : this(new Uri($"http://{server.WebSocket}"))
    {
    }

    /// <summary>A new account with the password that all have. Returns the cookie.</summary>
    public async Task<string> RegisterAsync(string userName, CancellationToken cancellation)
    {
        using var answer = await _http.PostAsJsonAsync(
            "/api/accounts", new { email = $"{userName}@example.org", userName, displayName = userName, password = AccountSeed.Password }, cancellation);
        return answer.IsSuccessStatusCode
            ? answer.Headers.GetValues("Set-Cookie").First().Split(';')[0]
            : throw new LoadException($"A registration was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}");
    }

    /// <summary>A token for all rooms. Returns its secret.</summary>
    public Task<string> NewTokenAsync(string cookie, CancellationToken cancellation) => NewTokenAsync(cookie, new { name = "load" }, cancellation);

    /// <summary>With the password that all accounts have. Returns the cookie, as `name=value`.</summary>
    public async Task<string> SignInAsync(string userName, CancellationToken cancellation)
    {
        using var answer = await _http.PostAsJsonAsync("/api/session", new { login = userName, password = AccountSeed.Password }, cancellation);
        return answer.IsSuccessStatusCode
            ? answer.Headers.GetValues("Set-Cookie").First().Split(';')[0]
            : throw new LoadException($"A sign-in was answered with {(int)answer.StatusCode}.");
    }

    /// <summary>As a guest. Returns the cookie, and the user name that the server gave.</summary>
    public async Task<(string Cookie, string UserName)> EnterAsync(string nickname, CancellationToken cancellation)
    {
        using var answer = await _http.PostAsJsonAsync("/api/session/guest", new { nickname }, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"A guest was answered with {(int)answer.StatusCode}.");
        }

        using var session = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return (answer.Headers.GetValues("Set-Cookie").First().Split(';')[0], session.RootElement.GetProperty("user").GetString()!);
    }

    /// <summary>A private room of whom the cookie is for.</summary>
    public async Task NewRoomAsync(string cookie, string room, CancellationToken cancellation)
    {
        using HttpRequestMessage make = new(HttpMethod.Post, "/api/rooms")
        {
            Headers = { { "Cookie", cookie } },
            Content = JsonContent.Create(new { id = room, title = room, visibility = "private" }),
        };
        using var answer = await _http.SendAsync(make, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"A room that was to be made was answered with {(int)answer.StatusCode}.");
        }
    }

    /// <summary>A token for devices whose mount is the room. Returns its secret.</summary>
    public Task<string> NewDeviceAsync(string cookie, string room, CancellationToken cancellation) =>
        NewTokenAsync(cookie, new { name = "devices", mount = room }, cancellation);

    private async Task<string> NewTokenAsync(string cookie, object token, CancellationToken cancellation)
    {
        using HttpRequestMessage make = new(HttpMethod.Post, "/api/tokens")
        {
            Headers = { { "Cookie", cookie } },
            Content = JsonContent.Create(token, token.GetType()),
        };
        using var answer = await _http.SendAsync(make, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"A token that was to be made was answered with {(int)answer.StatusCode}.");
        }

        using var made = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return made.RootElement.GetProperty("token").GetString()!;
    }

    public async Task<HttpStatusCode> LogOutAsync(string cookie, CancellationToken cancellation)
    {
        using HttpRequestMessage logOut = new(HttpMethod.Delete, "/api/session") { Headers = { { "Cookie", cookie } } };
        using var answer = await _http.SendAsync(logOut, cancellation);
        return answer.StatusCode;
    }

    /// <summary>Does something to somebody in a room: kick, ban or unban.</summary>
    public async Task ModerateAsync(string cookie, string room, string act, string user, CancellationToken cancellation)
    {
        using HttpRequestMessage ask = new(HttpMethod.Post, $"/api/rooms/{room}/events")
        {
            Headers = { { "Cookie", cookie } },
            Content = JsonContent.Create(new { type = act, user }),
        };
        using var answer = await _http.SendAsync(ask, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"A {act} was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}");
        }
    }

    /// <summary>The newest page of a room's history: where it ends.</summary>
    public Task<(long Head, string Epoch, int Events)> HistoryAsync(string cookie, int room, CancellationToken cancellation) =>
        HistoryAsync(cookie, RoomTopic.IdOf(room), cancellation);

    /// <inheritdoc cref="HistoryAsync(string, int, CancellationToken)"/>
    public async Task<(long Head, string Epoch, int Events)> HistoryAsync(string cookie, string room, CancellationToken cancellation)
    {
        using HttpRequestMessage ask = new(HttpMethod.Get, $"/api/rooms/{room}/events?limit=50") { Headers = { { "Cookie", cookie } } };
        using var answer = await _http.SendAsync(ask, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"The history of room {room} was answered with {(int)answer.StatusCode}.");
        }

        using var page = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return (page.RootElement.GetProperty("head").GetInt64(), page.RootElement.GetProperty("epoch").GetString()!, page.RootElement.GetProperty("events").GetArrayLength());
    }

    public Task MakeRoomAsync(Login owner, string id, CancellationToken cancellation) =>
        AsOwnerAsync(owner, HttpMethod.Post, "/api/rooms", JsonContent.Create(new { id, title = id }), HttpStatusCode.Created, cancellation);

    public Task DeleteRoomAsync(Login owner, string id, CancellationToken cancellation) =>
        AsOwnerAsync(owner, HttpMethod.Delete, $"/api/rooms/{id}", null, HttpStatusCode.NoContent, cancellation);

    public void Dispose() => _http.Dispose();

    private async Task AsOwnerAsync(Login owner, HttpMethod method, string path, HttpContent? body, HttpStatusCode expected, CancellationToken cancellation)
    {
        using HttpRequestMessage ask = new(method, path) { Content = body, Headers = { { "Authorization", $"Bearer {owner.Secret}" } } };
        using var answer = await _http.SendAsync(ask, cancellation);
        if (answer.StatusCode != expected)
        {
            throw new LoadException($"{method} {path} was answered with {(int)answer.StatusCode}.");
        }
    }
}
