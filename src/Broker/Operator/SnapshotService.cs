using System.Text.Json;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>What the server answers to a backup: one line when it begins, and one when the snapshot is made, or is not.</summary>
/// <param name="Id">Sent first: by which the snapshot is given back. With it <paramref name="Process"/>, the server's process id.</param>
/// <param name="Folder">The snapshot is made, and lies there until it is given back or the answer ends.</param>
/// <param name="Begun">With the folder: all that was acknowledged before is in it.</param>
internal sealed record SnapshotAnswer(
    string? Id = null, int? Process = null, string? Folder = null, DateTimeOffset? Begun = null, string? Error = null);

/// <summary>The running server's part of a backup: makes a copy of both stores for whoever asks, and removes it after.</summary>
/// <remarks>One at a time. What a killed server left behind is removed at the next start.</remarks>
/// <param name="dataFolder">Of the running server.</param>
/// <param name="copyAsync">Makes a copy of both stores in a folder that it makes; fails with <see cref="IOException"/>.</param>
internal sealed partial class SnapshotService(
    string dataFolder, Func<string, Task> copyAsync, TimeProvider time, ILogger<SnapshotService> logger)
{
    private readonly string _folder = DataFolder.SnapshotFolderIn(dataFolder);

    private int _isBusy;

    // Whoever takes it out may say how it ended: the command, which has copied it, or the server, which removes it under the command.
    private Copying? _copying;

    /// <summary>Answers with lines of JSON until the snapshot is given back, or the other process goes, however it ends.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        if (Interlocked.Exchange(ref _isBusy, 1) == 1)
        {
            await OperatorApi.Refused("Another backup is being made. Wait for its end.").ExecuteAsync(context);
            return;
        }

        Copying copying = new();
        var stops = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stops);
        try
        {
            context.Response.ContentType = "application/x-ndjson";
            await SayAsync(context, new(Id: copying.Id, Process: Environment.ProcessId));
            var made = await MakeAsync();
            Volatile.Write(ref _copying, made.Error is null ? copying : null);
            await SayAsync(context, made);
            if (made.Error is null)
            {
                await copying.Done.Task.WaitAsync(end.Token);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Who asked has gone, or the server stops: then the other end is told by the end of the answer.
        }
        finally
        {
            Interlocked.CompareExchange(ref _copying, null, copying);
            RemoveSnapshot();
            Volatile.Write(ref _isBusy, 0);
        }
    }

    /// <summary>Gives a snapshot back. False: it was removed before, and what was copied of it may not be whole.</summary>
    public bool TryEnd(string id)
    {
        var copying = Volatile.Read(ref _copying);
        if (copying?.Id != id || Interlocked.CompareExchange(ref _copying, null, copying) != copying)
        {
            return false;
        }

        RemoveSnapshot();
        copying.Done.SetResult();
        return true;
    }

    public void RemoveSnapshot()
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

    private static async Task SayAsync(HttpContext context, SnapshotAnswer answer)
    {
        var line = JsonSerializer.Serialize(answer, OperatorJson.Default.SnapshotAnswer) + "\n";
        await context.Response.WriteAsync(line, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private async Task<SnapshotAnswer> MakeAsync()
    {
        var begun = time.GetUtcNow();
        try
        {
            await copyAsync(_folder);
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

    /// <summary>A snapshot that a command copies.</summary>
    private sealed class Copying
    {
        public string Id { get; } = Guid.NewGuid().ToString("N");

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(4102, LogLevel.Information, "A copy of all data was made for a backup, in {Milliseconds:F0} ms")]
    private static partial void LogMade(ILogger logger, double milliseconds);

    [LoggerMessage(4103, LogLevel.Error, "The copy for a backup could not be made")]
    private static partial void LogFailed(ILogger logger, Exception error);

    [LoggerMessage(4104, LogLevel.Warning, "The copy for a backup in {Folder} could not be removed; it goes at the next start")]
    private static partial void LogLeft(ILogger logger, string folder, Exception error);
}
