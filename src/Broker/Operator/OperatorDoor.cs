using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Operator;

/// <summary>The running server's end of the operator's socket: HTTP for whoever has the data folder, and nobody else.</summary>
/// <remarks>
/// A web server of its own, so that no address of the pages leads to it, no limit that strangers use up holds here, and chatting goes on
/// where the socket cannot be opened.
/// </remarks>
internal sealed partial class OperatorDoor(
    string dataFolder,
    BanService bans,
    PasswordLinkService links,
    SnapshotService snapshots,
    SearchService search,
    PurgeService purge,
    ArchiveService archives,
    AdminDoor admin,
    IReplication replication,
    ILease lease,
    ILoggerFactory loggers,
    TimeProvider time)
    : IHostedService
{
    private static readonly byte[] _toldInOldWords = [.. "{\"error\":\"The server is of another version than this program.\"}\n"u8];

    private readonly string _path = DataFolder.ControlSocketIn(dataFolder);
    private readonly ILogger<OperatorDoor> _logger = loggers.CreateLogger<OperatorDoor>();
    private WebApplication? _app;

    /// <summary>When it returns, the socket can be asked.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            snapshots.RemoveSnapshot();

            // Of a server that was killed: this one holds the data folder.
            File.Delete(_path);
            await OperatorSocket.AtAsync(dataFolder, async path =>
            {
                _app = Build(path);
                await _app.StartAsync(cancellationToken);
            });
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_path, /* guard: mode of the operator's socket */ UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
        }
        catch (Exception error) when (error is IOException or SocketException or UnauthorizedAccessException)
        {
            // Chatting goes on without it.
            LogClosed(_logger, _path, error);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is { } app)
        {
            await app.StopAsync(cancellationToken);
            await app.DisposeAsync();
            File.Delete(_path);
        }
    }

    private WebApplication Build(string path)
    {
        // Without settings: none of file, environment or command line is meant for this socket.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.ListenUnixSocket(path, options =>
            {
                options.Protocols = HttpProtocols.Http1;
                options.CloseSilent();
                options.Use(next => connection => ReceiveAsync(connection, next));
            });
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler(Problems.OfFailures);
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton<IHostLifetime, StartedAndStoppedFromOutside>();
        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        NodeAnswers.Use(app, replication, lease);
        OperatorApi.Map(app, bans, links, snapshots, search, purge, archives);
        admin.Map(app);
        return app;
    }

    private static async Task ReceiveAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<IConnectionSocketFeature>() is not { } feature || !OperatorSocket.IsOwn(feature.Socket))
        {
            return;
        }

        var input = connection.Transport.Input;
        var first = await input.ReadAsync(connection.ConnectionClosed);

        // A program from before HTTP says the name of a command; what HTTP begins with is in capitals.
        // That program reads one line of JSON.
        if (first.Buffer.FirstSpan is [>= (byte)'a' and <= (byte)'z', ..])
        {
            input.AdvanceTo(first.Buffer.End);
            await connection.Transport.Output.WriteAsync(_toldInOldWords);
            return;
        }

        input.AdvanceTo(first.Buffer.Start);
        await next(connection);
    }

    /// <summary>In place of the lifetime that listens to the signals of the process.</summary>
    private sealed class StartedAndStoppedFromOutside : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    [LoggerMessage(3700, LogLevel.Warning, "Commands such as backup and ban cannot reach the running server: {Socket} cannot be opened")]
    private static partial void LogClosed(ILogger logger, string socket, Exception error);
}
