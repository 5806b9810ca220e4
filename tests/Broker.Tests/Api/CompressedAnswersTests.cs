using System.IO.Compression;
using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>Which answers of the API are compressed, and for whom.</summary>
public sealed class CompressedAnswersTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/api/rooms")]
    [InlineData("/api/rooms/lobby/events")]
    [InlineData("/api/openapi.json")]
    public async Task Fault_P18_Long_answers_are_compressed_for_our_own_pages_and_for_programs(string path)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var cookie = "webmessenger=" + (await broker.SignInAsync(ana.Account)).Secret;
        foreach (var coding in new[] { "br", "gzip" })
        {
            foreach (var who in new (string, string)[][]
            {
                [("Cookie", cookie), ("Sec-Fetch-Site", "same-origin")],
                [("Authorization", "Bearer " + ana.Token)],
            })
            {
                using var plain = await GetAsync(broker, path, who);
                using var coded = await GetAsync(broker, path, [.. who, ("Accept-Encoding", coding)]);

                Assert.Equal(HttpStatusCode.OK, coded.StatusCode);
                Assert.Empty(plain.Content.Headers.ContentEncoding);
                Assert.Equal([coding], coded.Content.Headers.ContentEncoding);
                Assert.Contains("Accept-Encoding", coded.Headers.Vary);
                Assert.True(coded.Headers.CacheControl!.NoStore);
                Assert.Equal(plain.Content.Headers.ContentType, coded.Content.Headers.ContentType);
                await using var content = await coded.Content.ReadAsStreamAsync(Cancellation);
                await using Stream reading = coding == "br"
                    ? new BrotliStream(content, CompressionMode.Decompress)
                    : new GZipStream(content, CompressionMode.Decompress);
                using var json = await JsonDocument.ParseAsync(reading, cancellationToken: Cancellation);
                Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
            }
        }
    }

    [Fact]
    public async Task What_a_page_elsewhere_has_a_browser_ask_for_with_its_cookie_is_not_compressed()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var cookie = "webmessenger=" + (await broker.SignInAsync(ana.Account)).Secret;
        foreach (var (site, isCompressed) in new[] { ("same-origin", true), ("same-site", false), ("cross-site", false), ("none", false), ("", false) })
        {
            (string, string)[] said = site.Length == 0 ? [] : [("Sec-Fetch-Site", site)];
            using var answer = await GetAsync(broker, "/api/rooms", [("Cookie", cookie), ("Accept-Encoding", "gzip, br"), .. said]);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(isCompressed, answer.Content.Headers.ContentEncoding.Count > 0);
        }
    }

    [Fact]
    public async Task Fault_S3_A_page_that_is_compressed_is_no_longer_than_a_mebibyte()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        var text = JsonSerializer.Serialize(new { type = "message", text = new string('\u0001', 4000) });
        for (var i = 0; i < 50; i++)
        {
            await client.PublishAsync("rooms/lobby", text);
        }

        (string, string)[] program = [("Authorization", "Bearer " + ana.Token), ("Accept-Encoding", "gzip, br")];
        using var all = await GetAsync(broker, "/api/rooms/lobby/events?limit=500", program);
        Assert.Equal(HttpStatusCode.OK, all.StatusCode);
        Assert.Equal(["br"], all.Content.Headers.ContentEncoding);
        await using BrotliStream reading = new(await all.Content.ReadAsStreamAsync(Cancellation), CompressionMode.Decompress);
        using MemoryStream json = new();
        await reading.CopyToAsync(json, Cancellation);
        Assert.InRange(json.Length, 900_000, CompressedAnswers.Longest);
    }

    [Fact]
    public async Task Answers_with_secrets_or_whispers_in_them_are_never_compressed()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var cookie = "webmessenger=" + (await broker.SignInAsync(ana.Account)).Secret;
        (string, string)[] page = [("Cookie", cookie), ("Sec-Fetch-Site", "same-origin"), ("Accept-Encoding", "gzip, br")];
        await broker.RegisterAsync("bea");
        using var rooms = await GetAsync(broker, "/api/rooms", page);
        Assert.NotEmpty(rooms.Content.Headers.ContentEncoding);
        foreach (var path in new[] { "/api/session", "/api/sessions", "/api/tokens", "/api/whispers", "/api/conversations", "/api/conversations/bea/events", "/api/saved", "/api/search?q=word", "/api/rooms/lobby", "/health/live" })
        {
            using var answer = await GetAsync(broker, path, page);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Empty(answer.Content.Headers.ContentEncoding);
        }
    }

    private static async Task<HttpResponseMessage> GetAsync(RunningBroker broker, string path, params (string Name, string Value)[] headers)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false, AutomaticDecompression = DecompressionMethods.None });
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(broker.Http, path));
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await http.SendAsync(request, Cancellation);
    }
}
