using System.Net.Sockets;
using System.Runtime;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using MQTTnet.AspNetCore;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Server;
using Serilog;
using Serilog.Extensions.Logging;
using WebMessenger.Auth;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Host;

/// <summary>The whole program: opens the stores, serves pages, HTTP API and MQTT, and stops in order.</summary>
public sealed partial class WebMessengerProgram : IAsyncDisposable
{
    /// <summary>The event log could not be written to any more, and only opening it anew helps.</summary>
    private const int StoreLostExitCode = 3;
    private const int ManyAccounts = 10_000;

    private readonly WebApplication _app;
    private readonly Stores _stores;
    private readonly Listeners _listeners;
    private readonly Serilog.Core.Logger _log;
    private int _disposed;

    private WebMessengerProgram(WebApplication app, Stores stores, Listeners listeners, Serilog.Core.Logger log) =>
        (_app, _stores, _listeners, _log) = (app, stores, listeners, log);

    /// <summary>What it listens on, with the ports it really got: `http://…`, `mqtt://…`.</summary>
    public IReadOnlyList<string> Addresses => [.. _listeners.Addresses];

    public IServiceProvider Services => _app.Services;

    /// <summary>What it takes to register the first account from another machine; null: there is, or has been, one.</summary>
    public string? FirstCode => _stores.Auth.Registration.FirstCode;

    /// <summary>Where everything is kept, as a full path.</summary>
    public string DataFolder => _stores.Folder;

    /// <summary>Starts on what the settings say. Throws <see cref="StartupException"/> when that cannot be.</summary>
    /// <param name="configure">For tests: the last word on services, before they are built.</param>
    public static Task<WebMessengerProgram> StartAsync(string[] args, Action<IServiceCollection>? configure = null) =>
        StartAsync(args, configure, TimeProvider.System);

    /// <param name="system">For tests: the machine's clock.</param>
    /// <param name="output">For tests: where the log is written; null: to standard output.</param>
    internal static async Task<WebMessengerProgram> StartAsync(
        string[] args, Action<IServiceCollection>? configure, TimeProvider system, Stream? output = null)
    {
        UnicodeSupport.Require();
        SettingsReader.RefuseUnknownTyped(args);
        var builder = NewBuilder(args);
        var settings = SettingsReader.Read(builder.Configuration);
        var room = HandleRoom.OfThisProcess(settings.Limits);
        var log = Logging.Create(builder.Configuration, output ?? Console.OpenStandardOutput());
        try
        {
            return await StartAsync(builder, settings, room, log, configure, system);
        }
        catch (Exception error)
        {
            // What the stores had to say of it stands before the one line.
            await log.DisposeAsync();

            // Kestrel reads its own settings when it is first asked for, and says in many ways that it cannot.
            if (error is CryptographicException or FormatException or InvalidOperationException or ArgumentException
                    or FileNotFoundException or DirectoryNotFoundException
                && builder.Configuration.GetSection("Kestrel").Exists())
            {
                throw new StartupException(
                    $"The settings below Kestrel cannot be used: {error.Message} Correct them, or take them out.", error);
            }

            throw;
        }
    }

    /// <summary>Completes when the program is told to stop, or has to: 0, or the exit code for a supervisor.</summary>
    public async Task<int> WaitForShutdownAsync()
    {
        using CancellationTokenSource stop = new();
        var lost = _stores.House.Lost;
        await Task.WhenAny(_app.WaitForShutdownAsync(stop.Token), lost);
        if (!lost.IsCompletedSuccessfully)
        {
            return 0;
        }

        if (_stores.IsAlone)
        {
            LogLost(_app.Logger, await lost);
        }
        else
        {
            LogNodeLost(_app.Logger, await lost);
        }

        await stop.CancelAsync();
        return StoreLostExitCode;
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        await _app.StopAsync();
        await _app.Services.GetRequiredService<DurableClients>().StopAsync();
        await _app.DisposeAsync();
        await _stores.DisposeAsync();

        // Last: what the others say at their end is written.
        await _log.DisposeAsync();
    }

    /// <summary>With the settings of file, environment and command line.</summary>
    /// <exception cref="StartupException">They cannot be read.</exception>
    internal static WebApplicationBuilder NewBuilder(string[] args)
    {
        try
        {
            return WebApplication.CreateBuilder(new WebApplicationOptions
            {
                Args = args,
                ContentRootPath = AppContext.BaseDirectory,
                WebRootPath = "wwwroot",
            });
        }
        catch (Exception error) when (error is InvalidDataException or FormatException or UnauthorizedAccessException or IOException)
        {
            // The inner one names the line; the outer one the file.
            throw new StartupException($"The settings cannot be read. {error.Message} {error.InnerException?.Message}".TrimEnd(), error);
        }
    }

    private static async Task<WebMessengerProgram> StartAsync(
        WebApplicationBuilder builder, BrokerSettings settings, HandleRoom room, Serilog.Core.Logger log,
        Action<IServiceCollection>? configure, TimeProvider system)
    {
        builder.Services.AddSerilog(log);
        SerilogLoggerFactory loggers = new(log);
        RuntimePatch.WarnIfOlder(Environment.Version, loggers.CreateLogger<WebMessengerProgram>());
        var certificate = settings.Tls is { } tls ? ServerCertificate.Open(tls, loggers.CreateLogger<ServerCertificate>()) : null;
        TrustedProxies.DistrustOthers(builder.Configuration);
        Listeners listeners = new();
        var urls = builder.Configuration["Urls"] ?? "http://localhost:8080";
        builder.WebHost.ConfigureKestrel(kestrel => listeners.Configure(kestrel, urls, settings, certificate));
        builder.Services.AddSingleton(provider => new OpenSockets(
            room, settings.Limits, settings.TrustedProxies, TimeProvider.System, provider.GetRequiredService<ILogger<OpenSockets>>()));
        builder.Services.AddSingleton<IConnectionListenerFactory, HttpSockets>();
        builder.Services.AddSingleton<IConnectionListenerFactory, MqttSockets>();
        builder.Services.AddSingleton(listeners);
        builder.Services.AddSingleton<IServerAddresses>(listeners);
        builder.Services.AddSingleton(provider => new AllowedHosts(
            settings, urls, certificate, provider.GetRequiredService<RefusalLog>(), provider.GetRequiredService<ILogger<AllowedHosts>>()));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(8 + (settings.Cluster?.DrainSeconds ?? 0)));

        room.Report(settings.Limits, loggers.CreateLogger<HandleRoom>());
        BeginReading();
        var stores = await Stores.OpenAsync(settings, room, system, loggers);
        WebApplication? app = null;
        try
        {
            AddServices(builder.Services, settings, stores);
            configure?.Invoke(builder.Services);
            app = builder.Build();
            Pipeline.Map(app);
            DataHomeServices.Prepare(app.Services);
            await Loading.RunAsync(app.Services, stores);
            EndReading(stores.Auth.Accounts.All.Count);
            WebMessengerProgram program = new(app, stores, listeners, log);
            await program.StartAsync();
            return program;
        }
        catch
        {
            await FailedStart.EndAsync(app);
            await stores.DisposeAsync();
            throw;
        }
    }

    // Nobody waits for an answer while all that is stored is read: collecting beside it would take a processor from it.
    private static void BeginReading() => GCSettings.LatencyMode = GCLatencyMode.Batch;

    // Of much data, half as much again was read through and thrown away.
    // The system has it back before anybody comes, for whom this would be a pause.
    private static void EndReading(int accounts)
    {
        GCSettings.LatencyMode = GCLatencyMode.Interactive;
        if (accounts >= ManyAccounts)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    private static void AddServices(IServiceCollection services, BrokerSettings settings, Stores stores)
    {
        services.AddSingleton<TimeProvider>(stores.Clock);
        services.AddSingleton(settings);
        services.AddSingleton(settings.Limits);
        services.AddWebMessengerAuth(stores.Auth);
        services.AddSingleton(stores.Log);
        services.AddSingleton(stores.Records);
        services.AddSingleton(stores.Journal);
        services.AddSingleton(stores.Space);
        services.AddSingleton(stores.Health);
        services.AddSingleton(stores.Documents);
        services.AddSingleton<RoomStore>();
        services.AddSingleton<MembershipStore>();
        services.AddSingleton<ChangedRooms>();
        services.AddSingleton<ConnectionDirectory>();
        services.AddNodes(settings, stores);
        services.AddAccountLimits(stores.Auth, stores.Replication.IsAlone);
        services.AddSingleton<DurableClients>();
        services.AddSingleton<IConnectingClients>(provider => provider.GetRequiredService<ConnectionDirectory>());
        services.AddSingleton<IConnectedAccounts>(provider => provider.GetRequiredService<ConnectionDirectory>());
        services.AddSingleton<IRoomClients>(provider => provider.GetRequiredService<ConnectionDirectory>());
        services.AddSingleton<IResumables>(provider => provider.GetRequiredService<ConnectionDirectory>());
        services.AddSingleton<IKeptClients>(provider => provider.GetRequiredService<DurableClients>());
        services.AddSingleton<ReadPositions>();
        services.AddSingleton<IReadMarks>(provider => provider.GetRequiredService<ReadPositions>());
        services.AddSingleton<UnreadWatch>();
        services.AddSingleton<IFollower, UnreadFollower>();
        services.AddSingleton<RoomViews>();
        services.AddSearch(stores);
        services.AddSingleton<IUnreadListeners>(provider => provider.GetRequiredService<UnreadWatch>());
        services.AddSingleton<RoomDirectory>();
        AddRoomChanges(services);
        services.AddTalk();
        services.AddDevices(settings.SysInterval);
        services.AddBots();
        services.AddAdmin();
        services.AddSingleton<ITopicAccess, RoomAccess>();
        services.AddSingleton<AuthInterceptor>();
        services.AddSingleton(new TrafficMemory(settings.Limits));
        services.AddSingleton<SubscribeBudgets>();
        services.AddSingleton<AnswerSlots>();
        services.AddSingleton<PublishRefusals>();
        services.AddSingleton<LastWills>();
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton(provider => new ConnectionServices(
            provider.GetRequiredService<ConnectionDirectory>(),
            provider.GetRequiredService<INodes>(),
            provider.GetRequiredService<AuthInterceptor>(),
            stores.Auth.Sessions,
            provider.GetRequiredService<RoomDirectory>(),
            provider.GetRequiredService<RoomMembers>(),
            provider.GetRequiredService<RoomActs>(),
            provider.GetRequiredService<MessageActs>(),
            provider.GetRequiredService<Mentions>(),
            provider.GetRequiredService<Conversations>(),
            provider.GetRequiredService<ConversationActs>(),
            provider.GetRequiredService<Sayings>(),
            provider.GetRequiredService<Typing>(),
            provider.GetRequiredService<ReadPositions>(),
            provider.GetRequiredService<UnreadWatch>(),
            stores.Log,
            provider.GetRequiredService<DurableClients>(),
            provider.GetRequiredService<DataSpaces>(),
            provider.GetRequiredService<ServerTopics>(),
            provider.GetRequiredService<DeviceTraces>(),
            provider.GetRequiredService<PublishBudgets>(),
            provider.GetRequiredService<StorageQuotas>(),
            provider.GetRequiredService<DataQuotas>(),
            provider.GetRequiredService<DiskSpace>(),
            provider.GetRequiredService<TrafficMemory>(),
            provider.GetRequiredService<SubscribeBudgets>(),
            provider.GetRequiredService<PublishRefusals>(),
            provider.GetRequiredService<LastWills>(),
            settings.Limits,
            settings.AllowPlainPasswords,
            settings.MaximumKeepAlive,
            provider.GetRequiredService<TimeProvider>(),
            stores.Auth.Refusals,
            provider.GetRequiredService<ILogger<Client>>(),
            provider.GetService<DataHome>())
        {
            Lease = settings.Cluster is null ? null : stores.Lease, Replication = stores.Replication,
        });
        if (!stores.Replication.IsAlone)
        {
            services.AddDataHome();
        }

        services.AddSingleton<MqttAcceptor>();
        services.AddSingleton<IMqttServerAdapter>(provider => provider.GetRequiredService<MqttAcceptor>());
        services.AddSingleton<IMqttNetLogger, MqttNetLog>();
        services.AddHostedMqttServer(options => options
            .WithDefaultCommunicationTimeout(/* guard: five seconds for CONNECT */ TimeSpan.FromSeconds(5))
            .WithPersistentSessions(false));
        services.AddHostedService<KeepAliveSweep>();
        services.AddHostedService(provider => new ClockKeeper(
            stores.Clock, stores.Folder, stores.Auth.Sessions, provider.GetRequiredService<DurableClients>(),
            provider.GetRequiredService<ILogger<ClockKeeper>>(), isAlone: settings.Cluster is null));
        services.AddSingleton(provider => new PasswordLinkService(
            stores.Auth.PasswordLinks,
            () => PagesAddress.Of(provider.GetRequiredService<Listeners>().OfPages, settings.Tls, settings.BasePath),
            provider.GetRequiredService<ServerAudit>()));
        services.AddSingleton(provider => new SnapshotService(
            stores.Folder, stores.House.CopyAsync, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SnapshotService>>()));
        services.AddHostedService(provider => ActivatorUtilities.CreateInstance<OperatorDoor>(provider, stores.Folder));
        services.AddHostedService<StorageWatch>();
        services.AddHostedService(provider => ActivatorUtilities.CreateInstance<DailyPurge>(provider, new PurgeHour(settings.Cluster is null ? settings.PurgeHour : -1)));
        services.AddHostedService<Followers>();
        services.AddHostedService<EndingWork>();
        services.AddRetention(settings, stores);
        services.AddPeople();
        services.AddSingleton<PresenceMemory>();
        services.AddHostedService(provider => provider.GetRequiredService<PresenceMemory>());
        services.AddAuthApi(settings.AllowedOrigins);
        Pipeline.AddServices(services);
    }

    private static void AddRoomChanges(IServiceCollection services)
    {
        services.AddSingleton<ChangeTurns>();
        services.AddSingleton<LeftBehind>();
        services.AddSingleton<RoomIds>();
        services.AddSingleton<RoomInvitations>();
        services.AddSingleton<RoomMembers>();
        services.AddSingleton<RoomActs>();
        services.AddSingleton<RoomEndings>();
        services.AddSingleton<RoomMaking>();
        services.AddSingleton<RoomOpening>();
        services.AddRoomLinks();
    }

    private async Task StartAsync()
    {
        AccountLinks.Connect(_app.Services);
        var acceptor = _app.Services.GetRequiredService<MqttAcceptor>();
        _app.Services.GetRequiredService<AuthInterceptor>().Guard(_app.Services.GetRequiredService<MqttServer>());
        var over = TimeSpan.FromSeconds(_app.Services.GetRequiredService<BrokerSettings>().Cluster?.DrainSeconds ?? 0);
        _app.Lifetime.ApplicationStopping.Register(() =>
            (_stores.IsAlone ? acceptor.StopServingAsync() : acceptor.SendElsewhereAsync(() => _app.Services.GetRequiredService<DataHome>().StopAsync(default), _stores.Lease.IsFresh ? over : TimeSpan.Zero))
                .Wait(over + (3 * MqttAcceptor.DrainTime)));
        await _app.Services.GetRequiredService<PresenceMemory>().RestoreAsync();
        await _stores.BeginAsync();
        try
        {
            await _app.StartAsync();
        }
        catch (SocketException error)
        {
            throw new StartupException(
                $"The program may not or cannot listen at {_listeners.Refused(error.SocketErrorCode) ?? "one of its addresses"}: "
                + $"{error.Message.TrimEnd('.')}. "
                + (error.SocketErrorCode == SocketError.AccessDenied
                    ? "Ports below 1024 are for root: take one above, or give the program CAP_NET_BIND_SERVICE."
                    : "Take an address that this machine has: set Urls, WebMessenger:Mqtt:Address or WebMessenger:Mqtt:Tls:Address."),
                error);
        }
        catch (IOException error)
        {
            if (_listeners.Twice() is { } twice)
            {
                throw new StartupException(twice, error);
            }

            // Kestrel calls every address http, that of MQTT too.
            throw new StartupException(
                $"{error.Message.Replace("http://", "", StringComparison.Ordinal).TrimEnd('.')}. Stop what uses it, or set Urls (the pages), WebMessenger:Mqtt:Port (MQTT) or WebMessenger:Mqtt:Tls:Port (MQTT over TLS) to something else.", error);
        }

        // MQTTnet starts behind Kestrel's back and does not say when that fails.
        await acceptor.Started.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [LoggerMessage(5402, LogLevel.Critical, "This node can serve no longer: {Reason}. The program ends; start it again")]
    private static partial void LogNodeLost(Microsoft.Extensions.Logging.ILogger log, string reason);

    [LoggerMessage(4203, LogLevel.Critical, "The event log cannot write, and only opening it anew can mend that ({Error}). The program ends; start it again")]
    private static partial void LogLost(Microsoft.Extensions.Logging.ILogger log, string error);
}
