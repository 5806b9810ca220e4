using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Generator;

/// <summary>What pages ask of the server over HTTP; cookies are handed about, so that it may stand for many people.</summary>
internal sealed class Browser(ServerUnderTest server) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = new Uri($"http://{server.WebSocket}") };

    /// <summary>With the password that all accounts have. Returns the cookie, as `name=value`.</summary>
    public async Task<string> SignInAsync(string userName, CancellationToken cancellation)
    {
        using var answer = await _http.PostAsJsonAsync("/api/session", new { login = userName, password = AccountSeed.Password }, cancellation);
        return answer.IsSuccessStatusCode
            ? answer.Headers.GetValues("Set-Cookie").First().Split(';')[0]
            : throw new LoadException($"A sign-in was answered with {(int)answer.StatusCode}.");
    }

    public async Task<HttpStatusCode> LogOutAsync(string cookie, CancellationToken cancellation)
    {
        using HttpRequestMessage logOut = new(HttpMethod.Delete, "/api/session") { Headers = { { "Cookie", cookie } } };
        using var answer = await _http.SendAsync(logOut, cancellation);
        return answer.StatusCode;
    }

    /// <summary>The newest page of a room's history: where it ends.</summary>
    public async Task<(long Head, string Epoch, int Events)> HistoryAsync(string cookie, int room, CancellationToken cancellation)
    {
        using HttpRequestMessage ask = new(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"/api/rooms/{RoomTopic.IdOf(room)}/events?limit=50")) { Headers = { { "Cookie", cookie } } };
        using var answer = await _http.SendAsync(ask, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"The history of room {room} was answered with {(int)answer.StatusCode}.");
        }

        using var page = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return (page.RootElement.GetProperty("head").GetInt64(), page.RootElement.GetProperty("epoch").GetString()!, page.RootElement.GetProperty("events").GetArrayLength());
    }

    public void Dispose() => _http.Dispose();
}
