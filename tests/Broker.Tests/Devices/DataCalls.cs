using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Calls to `/api/rooms/{room}/data` by one access token; null: by nobody.</summary>
internal sealed class DataCalls : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _room;

    public DataCalls(RunningBroker broker, string? token, string room = "yard")
    {
        _room = room;
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        _http.DefaultRequestHeaders.Authorization = token is null ? null : new("Bearer", token);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Task<HttpStatusCode> PutAsync(string topic, string payload, string? contentType = null, string more = "") =>
        PutAsync(topic, Encoding.UTF8.GetBytes(payload), contentType, more);

    public async Task<HttpStatusCode> PutAsync(string topic, byte[] payload, string? contentType = null, string more = "") =>
        (await PutForAnswerAsync(topic, payload, contentType, more)).Status;

    public async Task<(HttpStatusCode Status, string Text, HttpResponseHeaders Headers)> PutForAnswerAsync(
        string topic, byte[] payload, string? contentType = null, string more = "")
    {
        using ByteArrayContent body = new(payload);
        if (contentType is not null)
        {
            body.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        using var answer = await _http.PutAsync(AddressOf(topic, more), body, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation), answer.Headers);
    }

    public async Task<HttpStatusCode> DeleteAsync(string topic)
    {
        using var answer = await _http.DeleteAsync(AddressOf(topic), Cancellation);
        return answer.StatusCode;
    }

    /// <summary>The caller disposes of the answer.</summary>
    public async Task<HttpResponseMessage> GetAsync(string topic, string? unlessIts = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, AddressOf(topic));
        if (unlessIts is not null)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", unlessIts);
        }

        return await _http.SendAsync(request, Cancellation);
    }

    /// <summary>Null: there is none.</summary>
    public async Task<string?> FindAsync(string topic)
    {
        using var answer = await GetAsync(topic);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            Assert.Equal("no_such_value", JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement.GetProperty("code").GetString());
            return null;
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }

    /// <summary>Status, and the code of a refusal.</summary>
    public async Task<string> AnswerAsync(HttpMethod method, string query, string? body = null)
    {
        using HttpRequestMessage request = new(method, new Uri($"/api/rooms/{_room}/data{query}", UriKind.Relative))
        {
            Content = body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        using var answer = await _http.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        return (int)answer.StatusCode + (text.StartsWith('{') && JsonDocument.Parse(text).RootElement.TryGetProperty("code", out var code) ? $" {code}" : "");
    }

    public async Task<JsonElement> ListAsync(string query = "")
    {
        using var answer = await _http.GetAsync(new Uri($"/api/rooms/{_room}/data{query}", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement;
    }

    public void Dispose() => _http.Dispose();

    private Uri AddressOf(string topic, string more = "") =>
        new($"/api/rooms/{_room}/data?topic={Uri.EscapeDataString(topic)}{more}", UriKind.Relative);
}
