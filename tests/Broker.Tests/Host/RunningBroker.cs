using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Nodes;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>
/// The whole program in this process, on free ports of loopback and a folder of its own. Limits that would slow tests down are off.
/// </summary>
internal sealed class RunningBroker : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string[] _settings;
    private readonly Action<IServiceCollection>? _configure;
    private const string SessionCookie = "webmessenger";

    // With WEBMESSENGER_RELAYED=1 what clients hear and say of devices goes through another node (docs/adr/0088): so all tests of devices
    // are tests of that, too.
    private static readonly bool _isRelayed = Environment.GetEnvironmentVariable("WEBMESSENGER_RELAYED") == "1";
    private int _accounts;

    private RunningBroker(string[] settings, Action<IServiceCollection>? configure) => (_settings, _configure) = (settings, configure);

    /// <summary>What the machine's clock says at the next start.</summary>
    public TimeProvider MachineClock { get; set; } = TimeProvider.System;

    public WebMessengerProgram Program { get; private set; } = null!;

    public Uri Http => new(Program.Addresses.Single(address => address.StartsWith("http:", StringComparison.Ordinal)));

    public Uri WebSocket => new($"ws://{Http.Authority}/mqtt");

    public IPEndPoint Mqtt => EndPoint("mqtt:");

    public IPEndPoint MqttOverTls => EndPoint("mqtts:");

    public string DataFolder => _folder.Path;

    public static Task<RunningBroker> StartAsync(params string[] settings) => StartAsync((Action<IServiceCollection>?)null, settings);

    /// <param name="roomTime">
    /// The clock of rooms, of who comes, makes and asks, and of durable clients; null: the real one, as everywhere else.
    /// </param>
    public static Task<RunningBroker> StartAsync(TimeProvider? roomTime, params string[] settings) =>
        StartAsync(
            roomTime is null ? null : services => services
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomDirectory>(provider, roomTime))
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomIds>(provider, roomTime))
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomInvitations>(provider, roomTime))
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomMembers>(provider, roomTime))
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomMaking>(provider, roomTime))
                .AddSingleton(provider => ActivatorUtilities.CreateInstance<DurableClients>(provider, roomTime)),
            settings);

    /// <param name="configure">The last word on the program's services; null: as everywhere else.</param>
    public static async Task<RunningBroker> StartAsync(Action<IServiceCollection>? configure, params string[] settings)
    {
        RunningBroker broker = new(settings, configure);
        await broker.StartProgramAsync();
        return broker;
    }

    /// <param name="configure">The last word on the program's services.</param>
    public static async Task<RunningBroker> StartWithAsync(Action<IServiceCollection> configure, params string[] settings)
    {
        RunningBroker broker = new(settings, configure);
        await broker.StartProgramAsync();
        return broker;
    }

    /// <param name="fill">Fills the data folder before the first start.</param>
    /// <param name="onFailure">Looks at it when the program did not start, before it goes.</param>
    public static async Task<RunningBroker> StartOnAsync(Action<string> fill, TimeProvider machineClock, Action? onFailure = null)
    {
        RunningBroker broker = new([], null) { MachineClock = machineClock };
        try
        {
            fill(Directory.CreateDirectory(broker._folder.In("data")).FullName);
            await broker.StartProgramAsync();
            return broker;
        }
        catch
        {
            onFailure?.Invoke();
            broker._folder.Dispose();
            throw;
        }
    }

    /// <summary>Stops in order and starts again on the same data, on other ports.</summary>
    public async Task RestartAsync()
    {
        await Program.DisposeAsync();
        await StartProgramAsync();
    }

    public T Get<T>()
        where T : notnull => Program.Services.GetRequiredService<T>();

    /// <summary>An account with a token that may do everything.</summary>
    public async Task<Member> RegisterAsync(string userName, string? displayName = null)
    {
        var number = Interlocked.Increment(ref _accounts);
        var registered = await Get<Registration>().RegisterAsync(
            $"someone{number}@example.org", userName, displayName ?? userName, "correct horse battery staple", null, isLocal: true);
        Assert.True(registered.TryGet(out var account, out var refusal), $"{refusal}");
        var token = await TokenAsync(account);
        return new Member(account, token);
    }

    public async Task<string> TokenAsync(Account account, string[]? rooms = null, Verbs? verbs = null, DateTimeOffset? expiresAt = null)
    {
        var created = await Get<AccessTokens>().CreateAsync(account, "test", rooms, verbs, expiresAt);
        Assert.True(created.TryGet(out var token, out var refusal), $"{refusal}");
        return token.Secret;
    }

    /// <summary>The way a page's tab connects: over WebSocket, with the cookie of a login session.</summary>
    public async Task<RawMqttClient> ConnectBrowserAsync(SignedIn browser, string clientId = "", int? receiveBuffer = null)
    {
        var door = new WebSocketDoor($"{SessionCookie}={browser.Secret}", Http.GetLeftPart(UriPartial.Authority));
        var client = await RawMqttClient.OverWebSocketAsync(WebSocket, door, MqttVersion.V5, receiveBuffer);
        var answer = await client.ConnectAsync(clientId: clientId);
        Assert.Equal(0, answer.ReasonCode);
        return client;
    }

    public Room Room(string id) => Get<RoomDirectory>().Find(id) ?? throw new InvalidOperationException($"no room {id}");

    /// <summary>A login session as a browser has it, with its cookie.</summary>
    public async Task<SignedIn> SignInAsync(Account account) => await Get<LoginSessions>().StartAsync(account, "test", IPAddress.Loopback) ?? throw new InvalidOperationException("erased");

    public async Task<RawMqttClient> ConnectAsync(Member member, MqttVersion version = MqttVersion.V5, string clientId = "", string? password = null)
    {
        var client = await RawMqttClient.OverTcpAsync(Mqtt, version);
        var answer = await client.ConnectAsync(member.Account.UserName, password ?? member.Token, clientId);
        Assert.Equal(0, answer.ReasonCode);
        return client;
    }

    private IPEndPoint EndPoint(string scheme)
    {
        var address = new Uri(Program.Addresses.Single(address => address.StartsWith(scheme, StringComparison.Ordinal)));
        return new IPEndPoint(IPAddress.Parse(address.Host), address.Port);
    }

    public async ValueTask DisposeAsync()
    {
        await Program.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartProgramAsync() => Program = await WebMessengerProgram.StartAsync(
    [
        "--Urls", "http://127.0.0.1:0",
        "--WebMessenger:Mqtt:Port", "0",
        "--WebMessenger:DataFolder", _folder.In("data"),
        // What strangers do in these tests is worth a warning, and none of a passing test.
        "--Serilog:MinimumLevel:Default", "Error",
        "--WebMessenger:Limits:PublishPerSecond", "0",
        "--WebMessenger:Limits:DataPublishPerSecond", "0",
        "--WebMessenger:Limits:SubscribePerSecond", "0",
        "--WebMessenger:Limits:CatchUpBytesPerSecond", "0",
        "--WebMessenger:Limits:ConnectsPerSecondPerAddress", "0",
        "--WebMessenger:Limits:SocketsPerSecondPerAddress", "0",
        "--WebMessenger:Limits:StoredBytesPerDayPerAddress", "0",
        "--WebMessenger:Limits:DataStoredBytesPerDayPerAddress", "0",
        "--WebMessenger:Limits:RequestsPerSecond", "0",
        "--WebMessenger:Limits:RequestsPerSecondPerAddress", "0",
        "--WebMessenger:Limits:RequestsUnderWayPerAddress", "0",
        "--WebMessenger:Limits:SearchesPerSecond", "0",
        "--WebMessenger:Limits:HookPostsPerSecond", "0",
        "--WebMessenger:Limits:RuleTestsPerSecond", "0",
        "--WebMessenger:Limits:RegistrationsPerHourPerAddress", "0",
        "--WebMessenger:Limits:SignInsPerMinutePerAddress", "0",
        "--WebMessenger:Limits:GuestsPerMinutePerAddress", "0",
        "--WebMessenger:Limits:AccountTriesPerDay", "0",
        "--WebMessenger:Limits:UserNameChangesPerMonth", "0",
        "--WebMessenger:Limits:DisplayNameChangesPerHour", "0",
        "--WebMessenger:Limits:RoomTriesPerDay", "0",
        .. _settings,
    ],
    _isRelayed ? services =>
    {
        FrontAndHome.Into(services, new FrontAndHome());
        _configure?.Invoke(services);
    }
    : _configure,
    MachineClock,
    new TestLog());
}

/// <summary>An account and an access token of it.</summary>
internal sealed record Member(Account Account, string Token);

internal static class Json
{
    public static string? Type(this JsonElement element) => element.GetProperty("type").GetString();

    public static string? Text(this JsonElement element) => element.GetProperty("text").GetString();
}
