using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Preferences;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>
/// The calls about accounts, login sessions and tokens on a Kestrel of their own,
/// with the real store, and nothing of the rest of the program.
/// </summary>
internal sealed class ApiFixture : IAsyncDisposable
{
    public const string Password = "a quiet place 42";
    public const string AllowedOrigin = "https://pages.example.org";

    public static readonly X509Certificate2 Certificate = SelfSigned();

    private readonly string _folder = Directory.CreateTempSubdirectory("api-tests-").FullName;
    private WebApplication _app = null!;
    private DocumentStore _store = null!;
    private RocksEventLog _log = null!;

    private ApiFixture()
    {
    }

    public AuthServices Auth { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public Uri SecureAddress { get; private set; } = null!;

    public static async Task<ApiFixture> StartAsync(AuthOptions? options = null)
    {
        ApiFixture fixture = new();
        await fixture.OpenAsync(options ?? new AuthOptions
        {
            SignInsPerMinutePerAddress = 0, GuestsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, UserNameChangesPerMonth = 0,
        });
        return fixture;
    }

    public Browser OpenBrowser(bool secure = false) => new(secure ? SecureAddress : Address);

    /// <summary>A browser that has registered <paramref name="userName"/>.</summary>
    public async Task<Browser> RegisterAsync(string userName)
    {
        var browser = OpenBrowser();
        using var answer = await browser.PostAsync("/api/accounts", Registration(userName));
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return browser;
    }

    public static object Registration(string userName) => new { email = userName + "@example.org", userName, displayName = userName, password = Password };

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Auth.DisposeAsync();
        await _log.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task OpenAsync(AuthOptions options)
    {
        _store = DocumentStore.Open(Path.Combine(_folder, "accounts.db"));
        _log = RocksEventLog.Open(Path.Combine(_folder, "rooms"), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        Auth = await AuthServices.OpenAsync(_store, _log, _log, options, TimeProvider.System, NullLoggerFactory.Instance);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(Certificate));
        });
        builder.Services.AddProblemDetails();
        builder.Services.AddWebMessengerAuth(Auth);
        builder.Services.AddAuthApi([AllowedOrigin]);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<PublishRefusals>().AddSingleton(DiskSpace.Of(_folder, new BrokerLimits { FreeDiskMegabytes = 0 }));
        builder.Services.AddSingleton(new AccountSettings(_log, new LeftAlone(_log, _log)));
        _app = builder.Build();
        _app.UseExceptionHandler();
        _app.UseStatusCodePages();
        AccountsApi.Map(_app);
        SessionApi.Map(_app);
        SessionsApi.Map(_app);
        TokensApi.Map(_app);
        PasswordLinksApi.Map(_app);
        SettingsApi.Map(_app);
        // As the calls about rooms do it.
        _app.MapGet("/api/rooms", (HttpContext context, RequestSignIn signIn) => signIn.Find(context.Request)?.Id ?? "nobody");
        _app.MapGet("/api/fails", string () => throw new InvalidOperationException("inside"));
        await _app.StartAsync();
        var addresses = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address)).ToList();
        Address = addresses.Single(address => address.Scheme == "http");
        SecureAddress = addresses.Single(address => address.Scheme == "https");
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}

/// <summary>A browser as far as cookies go; it says nothing of origins unless the test does.</summary>
internal sealed class Browser : IDisposable
{
    private readonly CookieContainer _cookies = new();
    private readonly HttpClient _http;

    public Browser(Uri address)
    {
        _http = new HttpClient(new SocketsHttpHandler
        {
            CookieContainer = _cookies,
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Equals(ApiFixture.Certificate) == true },
        })
        {
            BaseAddress = address,
        };
    }

    public string? Cookie => _cookies.GetCookies(_http.BaseAddress!).Cast<Cookie>().SingleOrDefault()?.Value;

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<HttpResponseMessage> PostAsync(string path, object body) => SendAsync(HttpMethod.Post, path, body);

    public Task<HttpResponseMessage> PatchAsync(string path, object body) => SendAsync(HttpMethod.Patch, path, body);

    public Task<HttpResponseMessage> DeleteAsync(string path, object? body = null) => SendAsync(HttpMethod.Delete, path, body);

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, body is null ? null : JsonContent.Create(body), headers);

    public Task<HttpResponseMessage> SendTextAsync(HttpMethod method, string path, string text, string contentType = "application/json") =>
        SendAsync(method, path, new StringContent(text, Encoding.UTF8, contentType), []);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await _http.SendAsync(request);
    }

    public async Task<JsonElement> ReadAsync(string path)
    {
        using var answer = await GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.JsonAsync();
    }

    public void Dispose() => _http.Dispose();
}

internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer) => JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    /// <summary>Closes the answer after looking at its status.</summary>
    public static async Task MustBe(this Task<HttpResponseMessage> sending, HttpStatusCode status)
    {
        using var answer = await sending;
        Assert.Equal(status, answer.StatusCode);
    }

    /// <summary>Problem details of that status, without a trace of the inside; as "code field:code field:code".</summary>
    public static async Task<string> ProblemAsync(this Task<HttpResponseMessage> sending, HttpStatusCode status)
    {
        using var answer = await sending;
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode} {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.NotEqual("", problem.GetProperty("detail").GetString());
        var code = problem.GetProperty("code").GetString()!;
        return problem.TryGetProperty("errors", out var errors)
            ? code + " " + string.Join(' ', errors.EnumerateObject().SelectMany(field => field.Value.EnumerateArray().Select(error =>
            {
                Assert.NotEqual("", error.GetProperty("message").GetString());
                return field.Name + ":" + error.GetProperty("code").GetString();
            })))
            : code;
    }
}

/// <summary>A client that is closed as soon as it is told.</summary>
internal sealed class TestClient(string clientId) : IClient
{
    private readonly TaskCompletionSource<RevocationReason> _revoked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string ClientId { get; } = clientId;

    public ClientCertificate? Certificate { get; init; }

    public bool IsRevoked => _revoked.Task.IsCompleted;

    public Task RevokeAsync(RevocationReason reason)
    {
        _revoked.TrySetResult(reason);
        return Task.CompletedTask;
    }
}
