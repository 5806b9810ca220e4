using System.Net.Sockets;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>What the running server does for a command that asks at the control socket.</summary>
internal interface IControlService
{
    /// <summary>How it is asked for: its name and version.</summary>
    string Request { get; }

    /// <summary>When the server starts, before anybody can ask.</summary>
    void Prepare()
    {
    }

    /// <summary>Answers one command. May throw <see cref="IOException"/> when the other end has gone, and <see cref="OperationCanceledException"/> when the server stops.</summary>
    /// <param name="argument">What stood behind the name.</param>
    Task ServeAsync(string argument, StreamReader reader, StreamWriter writer, CancellationToken stopping);
}

/// <summary>The running server's end of the control socket in the data folder: leads who asks there to the service that is asked for.</summary>
internal sealed partial class ControlDoor(string dataFolder, IEnumerable<IControlService> services, TimeProvider time, ILogger<ControlDoor> logger) : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<IControlService> _services = [.. services];
    private readonly string _path = DataFolder.ControlSocketIn(dataFolder);

    private readonly Socket _listener = ControlProtocol.NewSocket();
    private bool _isOpen;

    /// <summary>When it returns, the socket can be asked.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var service in _services)
            {
                service.Prepare();
            }

            File.Delete(_path);
            await ControlProtocol.AtAsync(_path, address =>
            {
                _listener.Bind(address);
                return Task.CompletedTask;
            });
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            _listener.Listen();
            _isOpen = true;
        }
        catch (Exception error) when (error is IOException or SocketException or UnauthorizedAccessException)
        {
            // Chatting goes on without it.
            LogClosed(logger, _path, error);
        }

        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _listener.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_isOpen)
        {
            return;
        }

        List<Task> serving = [];
        try
        {
            while (true)
            {
                if (await AcceptAsync(stoppingToken) is { } client)
                {
                    // Not waited for: who asks and then says nothing must not keep others waiting.
                    serving.RemoveAll(task => task.IsCompleted);
                    serving.Add(ServeAsync(client, stoppingToken));
                }
            }
        }
        catch (OperationCanceledException)
        {
            _listener.Dispose();
            File.Delete(_path);
            await Task.WhenAll(serving);
        }
    }

    private async Task<Socket?> AcceptAsync(CancellationToken stopping)
    {
        try
        {
            return await _listener.AcceptAsync(stopping);
        }
        catch (SocketException)
        {
            // No file handle left, for now. An exception out of here would stop the whole server.
            await Task.Delay(BetweenTries, time, stopping);
            return null;
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken stopping)
    {
        try
        {
            await using NetworkStream stream = new(client, ownsSocket: true);
            using StreamReader reader = new(stream, leaveOpen: true);
            await using StreamWriter writer = new(stream, leaveOpen: true);
            if (!ControlProtocol.IsOwn(client))
            {
                return;
            }

            var line = await ReadRequestAsync(reader, stopping);
            if (_services.FirstOrDefault(service => line == service.Request || line?.StartsWith(service.Request + " ", StringComparison.Ordinal) == true) is not { } asked)
            {
                await writer.AnswerAsync(new ControlError("The server is of another version than this program."), ControlJson.Default.ControlError);
                return;
            }

            await asked.ServeAsync(line![asked.Request.Length..].TrimStart(), reader, writer, stopping);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Who asked has gone, or the server stops: then the other end is told by the end of the connection.
        }
        catch (Exception error)
        {
            LogFailed(logger, error);
        }
    }

    private async Task<string?> ReadRequestAsync(StreamReader reader, CancellationToken stopping)
    {
        using CancellationTokenSource patience = new(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, patience.Token);
        return await reader.ReadRequestAsync(either.Token);
    }

    [LoggerMessage(3700, LogLevel.Warning, "Commands such as backup and ban cannot reach the running server: {Socket} cannot be opened")]
    private static partial void LogClosed(ILogger logger, string socket, Exception error);

    [LoggerMessage(3701, LogLevel.Error, "A command that was asked for at the control socket failed")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
