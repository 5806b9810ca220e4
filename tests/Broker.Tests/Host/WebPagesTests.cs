using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using WebMessenger.Broker.Pages;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>The pages as they were built, served by the whole program.</summary>
public sealed class WebPagesTests : IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly string _root = Path.Combine(AppContext.BaseDirectory, "wwwroot");

    private readonly HttpClient _http = new(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None });
    private RunningBroker _broker = null!;

    /// <summary>As addresses: `/assets/….js`.</summary>
    private static IEnumerable<string> Files => Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories)
        .Where(file => Path.GetExtension(file) is not (".br" or ".gz"))
        .Select(file => "/" + Path.GetRelativePath(_root, file).Replace('\\', '/'));

    /// <summary>The largest of them.</summary>
    private static string Script => Files.Where(file => Path.GetExtension(file) == ".js").MaxBy(file => new FileInfo(_root + file).Length)!;

    public async ValueTask InitializeAsync() => _broker = await RunningBroker.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _broker.DisposeAsync();
    }

    [Fact]
    public async Task Fault_P18_Every_text_of_the_pages_is_smaller_on_the_wire_and_the_same_behind_it()
    {
        var (plain, brotli, gzip) = (0L, 0L, 0L);
        foreach (var file in Files.Where(file => Path.GetExtension(file) is ".js" or ".css" or ".svg" or ".webmanifest"))
        {
            using var identity = await GetAsync(file);
            var content = await identity.Content.ReadAsByteArrayAsync(Cancellation);
            Assert.Equal(await File.ReadAllBytesAsync(_root + file, Cancellation), content);
            Assert.Empty(identity.Content.Headers.ContentEncoding);
            plain += content.Length;
            foreach (var coding in new[] { "br", "gzip" })
            {
                using var coded = await GetAsync(file, coding);
                if (!File.Exists(_root + file + (coding == "br" ? ".br" : ".gz")))
                {
                    // So short that it would only grow.
                    Assert.InRange(content.Length, 0, 200);
                    Assert.Empty(coded.Content.Headers.ContentEncoding);
                    continue;
                }

                var bytes = await coded.Content.ReadAsByteArrayAsync(Cancellation);
                Assert.Equal([coding], coded.Content.Headers.ContentEncoding);
                Assert.Equal(bytes.Length, coded.Content.Headers.ContentLength);
                Assert.True(bytes.Length < content.Length, $"{file} has {content.Length} bytes and as {coding} {bytes.Length}.");
                Assert.Equal(content, Decoded(bytes, coding));
                Assert.Equal(identity.Content.Headers.ContentType, coded.Content.Headers.ContentType);
                Assert.Equal(["Accept-Encoding"], coded.Headers.Vary);
                _ = coding == "br" ? brotli += bytes.Length : gzip += bytes.Length;
            }
        }

        Assert.True(brotli * 3 < plain, $"{plain} bytes became {brotli} as br.");
        Assert.True(gzip * 2 < plain, $"{plain} bytes became {gzip} as gzip.");
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("gzip, br;q=0.4", "gzip")]
    [InlineData("br;q=0, gzip;q=0", null)]
    [InlineData("br;q=x", null)]
    [InlineData("identity;q=0, *", "br")]
    public async Task Fault_P18_The_start_page_and_the_files_are_sent_as_the_request_takes_them(string? accepted, string? coding)
    {
        foreach (var path in new[] { "/", "/rooms/lobby", "/index.html", Script })
        {
            using var answer = await GetAsync(path, accepted);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(coding is null ? [] : [coding], answer.Content.Headers.ContentEncoding);
            Assert.Equal(["Accept-Encoding"], answer.Headers.Vary);
            var content = Decoded(await answer.Content.ReadAsByteArrayAsync(Cancellation), coding);
            Assert.Equal(await File.ReadAllBytesAsync(_root + (path == Script ? Script : "/index.html"), Cancellation), content);
        }
    }

    [Fact]
    public async Task Fault_P18_Who_takes_nothing_that_there_is_is_told_so()
    {
        foreach (var path in new[] { "/", Script })
        {
            using var taken = await GetAsync(path, "*;q=0, gzip");
            Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
            using var refused = await GetAsync(path, "identity;q=0, deflate");
            Assert.Equal(HttpStatusCode.NotAcceptable, refused.StatusCode);
            Assert.Equal(["Accept-Encoding"], refused.Headers.Vary);
            Assert.Null(refused.Headers.ETag);
        }
    }

    [Fact]
    public async Task Fault_P18_HEAD_says_what_GET_would()
    {
        foreach (var path in new[] { "/", Script })
        {
            using var get = await GetAsync(path, "br");
            using var head = await SendAsync(HttpMethod.Head, path, ("Accept-Encoding", "br"));

            Assert.Equal(HttpStatusCode.OK, head.StatusCode);
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancellation));
            Assert.Equal(get.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
            Assert.Equal(["br"], head.Content.Headers.ContentEncoding);
            Assert.Equal(get.Headers.ETag, head.Headers.ETag);
        }
    }

    [Fact]
    public async Task Fault_P18_Each_coding_has_an_ETag_of_its_own_and_what_the_browser_has_is_not_sent_again()
    {
        foreach (var path in new[] { "/", "/favicon.svg", Script })
        {
            HashSet<string> tags = [];
            foreach (var coding in new[] { "identity", "gzip", "br" })
            {
                using var first = await GetAsync(path, coding);
                var tag = first.Headers.ETag!.ToString();
                Assert.True(tags.Add(tag), $"{path} has {tag} twice.");

                // Weakly compared (RFC 9110, 13.1.2): a proxy that compresses makes them weak.
                foreach (var held in new[] { tag, $"\"other\", {tag}", "W/" + tag, "*" })
                {
                    using var again = await SendAsync(HttpMethod.Get, path, ("Accept-Encoding", coding), ("If-None-Match", held));
                    Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
                    Assert.Empty(await again.Content.ReadAsByteArrayAsync(Cancellation));
                    Assert.Equal(first.Headers.ETag, again.Headers.ETag);
                    Assert.Equal(["Accept-Encoding"], again.Headers.Vary);
                    Assert.Equal(first.Headers.CacheControl, again.Headers.CacheControl);
                }

                using var changed = await SendAsync(HttpMethod.Get, path, ("Accept-Encoding", coding), ("If-None-Match", "\"other\""));
                Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
            }
        }
    }

    [Fact]
    public async Task Fault_P18_A_range_is_one_of_the_file_and_never_of_its_coded_bytes()
    {
        using var range = await SendAsync(HttpMethod.Get, Script, ("Range", "bytes=10-19"));
        Assert.Equal(HttpStatusCode.PartialContent, range.StatusCode);
        var content = await File.ReadAllBytesAsync(_root + Script, Cancellation);
        Assert.Equal(content[10..20], await range.Content.ReadAsByteArrayAsync(Cancellation));

        using var coded = await SendAsync(HttpMethod.Get, Script, ("Range", "bytes=10-19"), ("Accept-Encoding", "br"));
        Assert.Equal(HttpStatusCode.OK, coded.StatusCode);
        Assert.Equal(content, Decoded(await coded.Content.ReadAsByteArrayAsync(Cancellation), "br"));
    }

    [Fact]
    public async Task Fault_P18_That_a_range_was_wrong_is_not_kept_for_a_year()
    {
        const string lasting = "public, max-age=31536000, immutable";
        using var range = await SendAsync(HttpMethod.Get, Script, ("Range", "bytes=10-19"));
        Assert.Equal(lasting, range.Headers.GetValues("Cache-Control").Single());
        using var known = await SendAsync(HttpMethod.Get, Script, ("If-None-Match", range.Headers.ETag!.ToString()));
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        Assert.Equal(lasting, known.Headers.GetValues("Cache-Control").Single());

        using var wrong = await SendAsync(HttpMethod.Get, Script, ("Range", "bytes=99999999-"));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, wrong.StatusCode);
        Assert.Null(wrong.Headers.CacheControl?.ToString());
    }

    [Fact]
    public async Task Fault_P18_Copies_have_no_address_of_their_own_nor_has_anything_beside_the_pages()
    {
        using var file = await GetAsync(Script);
        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
        foreach (var path in new[]
        {
            Script + ".br", Script + ".gz", "/index.html.br", "/index.html.gz", "/favicon.svg.br", "/INDEX.HTML", "/assets/none.js",
            "/..%2fappsettings.json", "/%2e%2e/appsettings.json", "/assets/..%5c..%5cappsettings.json", "/appsettings.json", "//etc/host.conf",
        })
        {
            using var answer = await GetAsync(path, "br");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        using var post = await SendAsync(HttpMethod.Post, Script);
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
    }

    [Fact]
    public async Task Fault_S1_A_file_is_read_once_and_none_is_open_while_somebody_takes_it()
    {
        var path = Path.Combine(_broker.DataFolder, "page.js");
        await File.WriteAllTextAsync(path, "let it = 'be';", Cancellation);
        var file = WebFile.OfDisk(path, "text/javascript", "no-cache");
        File.Delete(path);
        using MemoryStream sent = new();
        DefaultHttpContext context = new() { RequestServices = _broker.Program.Services };
        context.Response.Body = sent;

        await file.AnswerAsync(context);

        Assert.Equal("let it = 'be';", Encoding.UTF8.GetString(sent.ToArray()));
    }

    [Fact]
    public async Task What_has_a_hash_in_its_name_is_kept_for_good_and_everything_else_is_asked_for_anew()
    {
        foreach (var file in Files)
        {
            using var answer = await GetAsync(file, "br");
            var caching = file.StartsWith("/assets/", StringComparison.Ordinal) ? "public, max-age=31536000, immutable" : "no-cache";
            Assert.Equal(caching, answer.Headers.GetValues("Cache-Control").Single());
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal(Path.GetExtension(file) switch
            {
                ".js" => "text/javascript",
                ".css" => "text/css",
                ".html" => "text/html",
                ".svg" => "image/svg+xml",
                ".png" => "image/png",
                ".webmanifest" => "application/manifest+json",
                var other => throw new NotSupportedException(other),
            }, answer.Content.Headers.ContentType!.MediaType);
        }
    }

    [Fact]
    public async Task A_worker_and_the_service_worker_of_the_pages_are_allowed_and_no_other()
    {
        using var page = await GetAsync("/");

        var policy = page.Headers.GetValues("Content-Security-Policy").Single().Split("; ");
        Assert.Contains("worker-src 'self'", policy);
        Assert.Contains("img-src 'self'", policy);
        Assert.Contains("trusted-types svelte-trusted-html webmessenger-worker webmessenger-service-worker", policy);
    }

    private static byte[] Decoded(byte[] bytes, string? coding)
    {
        using MemoryStream coded = new(bytes), content = new();
        using Stream reading = coding switch
        {
            "br" => new BrotliStream(coded, CompressionMode.Decompress),
            "gzip" => new GZipStream(coded, CompressionMode.Decompress),
            _ => coded,
        };
        reading.CopyTo(content);
        return content.ToArray();
    }

    private Task<HttpResponseMessage> GetAsync(string path, string? accepted = null) =>
        accepted is null ? SendAsync(HttpMethod.Get, path) : SendAsync(HttpMethod.Get, path, ("Accept-Encoding", accepted));

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        // As it stands: a client would take `..` out itself.
        Uri address = new(_broker.Http.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using HttpRequestMessage request = new(method, address);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await _http.SendAsync(request, Cancellation);
    }
}
