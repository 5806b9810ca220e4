using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests;

/// <summary>The real store in a folder of its own, all of Auth on top, and a clock that tests move.</summary>
internal sealed class AuthFixture : IAsyncDisposable
{
    public const string Password = "a quiet place 42";

    public static readonly IPAddress Home = IPAddress.Parse("192.0.2.10");
    public static readonly IPAddress Elsewhere = IPAddress.Parse("198.51.100.7");

    /// <summary>The least that libsodium computes: the tests are about the rules around it.</summary>
    public static readonly PasswordCost Cheap = new(8, 1);

    private static readonly AuthOptions Unlimited = new()
    {
        SignInsPerMinutePerAddress = 0, GuestsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, AccountTriesPerDay = 0,
        UserNameChangesPerMonth = 0, DisplayNameChangesPerHour = 0,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("auth-tests-").FullName;

    private StoreFiles? _files;

    private AuthFixture()
    {
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));

    public LogLines Log { get; } = new();

    public DocumentStore Store { get; private set; } = null!;

    /// <summary>The event log, which the test may make fail.</summary>
    public FaultyRecords Records { get; private set; } = null!;

    public RocksEventLog EventLog { get; private set; } = null!;

    public AuthServices Auth { get; private set; } = null!;

    public string RoomsFolder => Path.Combine(_folder, "rooms");

    public string StorePath => Path.Combine(_folder, "accounts.db");

    /// <param name="files">The test's disk, in place of files of the fixture's own.</param>
    public static async Task<AuthFixture> OpenOnAsync(StoreFiles files, AuthOptions? options = null)
    {
        AuthFixture fixture = new() { _files = files };
        await fixture.StartAsync(options ?? Unlimited, Cheap);
        return fixture;
    }

    public static async Task<AuthFixture> OpenAsync(AuthOptions? options = null, PasswordCost? cost = null)
    {
        AuthFixture fixture = new();
        await fixture.StartAsync(options ?? Unlimited, cost ?? Cheap);
        return fixture;
    }

    public async Task RestartAsync(AuthOptions? options = null, PasswordCost? cost = null)
    {
        await StopAsync();
        await StartAsync(options ?? Unlimited, cost ?? Cheap);
    }

    public async Task<Account> RegisterAsync(string userName, string? displayName = null, string? email = null, string password = Password) =>
        Must(await Auth.Registration.RegisterAsync(email ?? userName + "@example.org", userName, displayName ?? userName, password, Home, isLocal: true));

    public async Task<SignedIn> SignInAsync(string login, string password = Password, IPAddress? address = null) =>
        Must(await Auth.SignIn.WithPasswordAsync(login, password, "Firefox on Linux", address ?? Home));

    public Task<Outcome<SignedIn>> SignInRawAsync(string login, string password) => Auth.SignIn.WithPasswordAsync(login, password, "Firefox on Linux", Home);

    public async Task<Account> EnterAsync(string nickname) => Must(await Auth.Registration.EnterAsGuestAsync(nickname, Home));

    public Task<Outcome<LoginSession>> MqttAsync(string userName, string password, string clientId = "client-1", IPAddress? address = null, bool passwordsAllowed = true) =>
        Auth.MqttSignIn.AuthenticateAsync(userName, System.Text.Encoding.UTF8.GetBytes(password), clientId, address ?? Home, passwordsAllowed);

    public static T Must<T>(Outcome<T> outcome)
        where T : class => outcome.TryGet(out var value, out var refusal) ? value : throw new InvalidOperationException("Refused: " + Describe(refusal));

    public static string Code<T>(Outcome<T> outcome)
        where T : class => outcome.TryGet(out _, out var refusal) ? "ok" : Describe(refusal);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Describe(Refusal refusal) => refusal is Refusal.Fields fields
        ? string.Join(' ', fields.Errors.Select(error => error.Field + ":" + error.Code))
        : refusal.GetType().Name;

    private async Task StartAsync(AuthOptions options, PasswordCost cost)
    {
        Store = _files is null ? DocumentStore.Open(StorePath) : DocumentStore.Open(_files, checkpointAt: 1024 * 1024);
        _files = null;
        EventLog = RocksEventLog.Open(RoomsFolder, null, Time, NullLogger<RocksEventLog>.Instance);
        Records = new FaultyRecords(EventLog);
        Auth = await AuthServices.OpenAsync(Store, EventLog, Records, options, cost, Time, Log);
    }

    public async Task StopAsync()
    {
        await Auth.DisposeAsync();
        await EventLog.DisposeAsync();
        await Store.DisposeAsync();
    }
}

/// <summary>Everything that was logged, at every level.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Texts => [.. _lines];

    public string Text => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception) + exception);
}

/// <summary>A client whose transport the test closes.</summary>
internal sealed class TestClient(string clientId) : IClient
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<RevocationReason> _revoked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string ClientId { get; } = clientId;

    public ClientCertificate? Certificate { get; init; }

    /// <summary>Completes when the client is told, with why.</summary>
    public Task<RevocationReason> Revoked => _revoked.Task;

    public bool IsRevoked => _revoked.Task.IsCompleted;

    public Task RevokeAsync(RevocationReason reason)
    {
        _revoked.TrySetResult(reason);
        return _closed.Task;
    }

    public void Close() => _closed.TrySetResult();

    public static TestClient AttachedTo(LoginSession session, string clientId = "c", bool closes = true)
    {
        TestClient client = new(clientId);
        Assert.True(session.TryAttach(client));
        if (closes)
        {
            client.Close();
        }

        return client;
    }
}
