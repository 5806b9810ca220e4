using System.Net.Sockets;

namespace WebMessenger.Broker.Hosting.Backups;

/// <summary>The running server's end of a backup: makes a copy of both stores for whoever asks at the socket in the data folder, and removes it after.</summary>
/// <remarks>One at a time. What a killed server left behind is removed at the next start.</remarks>
internal sealed partial class SnapshotDoor(Stores stores, TimeProvider time, ILogger<SnapshotDoor> logger) : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private readonly string _folder = DataFolder.SnapshotFolderIn(stores.Folder);
    private readonly string _socket = DataFolder.SnapshotSocketIn(stores.Folder);

    private readonly Socket _listener = SnapshotProtocol.NewSocket();
    private bool _isOpen;

    /// <summary>When it returns, the socket can be asked.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            RemoveSnapshot();
            File.Delete(_socket);
            await SnapshotProtocol.AtAsync(_socket, address =>
            {
                _listener.Bind(address);
                return Task.CompletedTask;
            });
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            _listener.Listen();
            _isOpen = true;
        }
        catch (Exception error) when (error is IOException or SocketException or UnauthorizedAccessException)
        {
            // Chatting goes on without it.
            LogClosed(logger, _socket, error);
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

        var current = Task.CompletedTask;
        try
        {
            while (true)
            {
                if (await AcceptAsync(stoppingToken) is not { } client)
                {
                    continue;
                }

                if (current.IsCompleted)
                {
                    current = ServeAsync(client, stoppingToken);
                }
                else
                {
                    // Not waited for: who asks and then says nothing must not keep others waiting. It ends by its patience.
                    _ = RefuseAsync(client, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            _listener.Dispose();
            File.Delete(_socket);
            await current;
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

    private static async Task RefuseAsync(Socket client, CancellationToken stopping)
    {
        try
        {
            await using NetworkStream stream = new(client, ownsSocket: true);
            using StreamReader reader = new(stream, leaveOpen: true);
            await using StreamWriter writer = new(stream, leaveOpen: true);
            // A socket that is closed with something unread takes the answer back.
            await ReadRequestAsync(reader, stopping);
            await writer.AnswerAsync(new(Error: "Another backup is being made. Wait for its end."));
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Gone already, or never asked.
        }
    }

    private static async Task<string?> ReadRequestAsync(StreamReader reader, CancellationToken stopping)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        patience.CancelAfter(Patience);
        return await reader.ReadLineAsync(patience.Token);
    }

    private async Task ServeAsync(Socket client, CancellationToken stopping)
    {
        try
        {
            await using NetworkStream stream = new(client, ownsSocket: true);
            using StreamReader reader = new(stream, leaveOpen: true);
            await using StreamWriter writer = new(stream, leaveOpen: true);
            if (await ReadRequestAsync(reader, stopping) is not SnapshotProtocol.Ask)
            {
                await writer.AnswerAsync(new(Error: "The server is of another version than this program."));
                return;
            }

            await writer.AnswerAsync(new(Process: Environment.ProcessId));
            await writer.AnswerAsync(await MakeAsync());
            // For as long as it takes to copy it: the connection ends with the other process, however that ends.
            if (await reader.ReadLineAsync(stopping) is SnapshotProtocol.Done)
            {
                RemoveSnapshot();
                await writer.AnswerAsync(new());
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Who asked has gone, or the server stops: then the other end is told by the end of the connection.
        }
        finally
        {
            RemoveSnapshot();
        }
    }

    private async Task<SnapshotAnswer> MakeAsync()
    {
        var begun = time.GetUtcNow();
        try
        {
            await stores.CopyAsync(_folder);
            var took = time.GetUtcNow() - begun;
            LogMade(logger, took.TotalMilliseconds);
            return new(Folder: _folder, Begun: begun);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogFailed(logger, error);
            return new(Error: $"The server could not copy its data: {error.Message}");
        }
    }

    private void RemoveSnapshot()
    {
        try
        {
            if (Directory.Exists(_folder))
            {
                Directory.Delete(_folder, recursive: true);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogLeft(logger, _folder, error);
        }
    }

    [LoggerMessage(4101, LogLevel.Warning, "Backups of the running server are not possible: {Socket} cannot be opened")]
    private static partial void LogClosed(ILogger logger, string socket, Exception error);

    [LoggerMessage(4102, LogLevel.Information, "A copy of all data was made for a backup, in {Milliseconds:F0} ms")]
    private static partial void LogMade(ILogger logger, double milliseconds);

    [LoggerMessage(4103, LogLevel.Error, "The copy for a backup could not be made")]
    private static partial void LogFailed(ILogger logger, Exception error);

    [LoggerMessage(4104, LogLevel.Warning, "The copy for a backup in {Folder} could not be removed; it goes at the next start")]
    private static partial void LogLeft(ILogger logger, string folder, Exception error);
}
