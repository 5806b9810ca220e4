using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Calls of the HTTP API by one account, with the status that they must have.</summary>
internal sealed class Calls : IDisposable
{
    private readonly HttpClient _http;

    private Calls(HttpClient http) => _http = http;

    public static Calls As(RunningBroker broker, Member member)
    {
        HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Authorization = new("Bearer", member.Token);
        return new Calls(client);
    }

    /// <summary>With the cookie of a page.</summary>
    public static Calls OfPage(RunningBroker broker, SignedIn browser)
    {
        HttpClient client = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Add("Cookie", $"webmessenger={browser.Secret}");
        return new Calls(client);
    }

    public Task<JsonElement> Get(string path, HttpStatusCode status = HttpStatusCode.OK) => Expect(status, HttpMethod.Get, path);

    public Task<JsonElement> Put(string path, HttpStatusCode status = HttpStatusCode.NoContent) => Expect(status, HttpMethod.Put, path);

    public Task<JsonElement> Delete(string path, HttpStatusCode status = HttpStatusCode.NoContent) =>
        Expect(status, HttpMethod.Delete, path);

    public Task<JsonElement> MakeRoom(string id, string visibility = "public", HttpStatusCode status = HttpStatusCode.Created) =>
        Expect(status, HttpMethod.Post, "/api/rooms", new { id, title = "Room " + id, visibility });

    public async Task<JsonElement> Expect(HttpStatusCode status, HttpMethod method, string path, object? body = null)
    {
        var (got, text) = await SendAsync(method, path, body);
        Assert.True(status == got, $"{method} {path} answered {(int)got}: {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    public async Task<(HttpStatusCode Status, string Text)> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using HttpRequestMessage request =
            new(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose() => _http.Dispose();
}
