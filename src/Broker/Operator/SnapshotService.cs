using System.Text.Json.Serialization;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>What the server answers to a backup, one after the other.</summary>
/// <param name="Process">Sent first: the server's process id.</param>
/// <param name="Folder">The snapshot is made, and lies there until <see cref="SnapshotService.Done"/> is said or the connection ends.</param>
/// <param name="Begun">With the folder: all that was acknowledged before is in it.</param>
internal sealed record SnapshotAnswer(int? Process = null, string? Folder = null, DateTimeOffset? Begun = null, string? Error = null) : IControlAnswer;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SnapshotAnswer))]
internal sealed partial class SnapshotJson : JsonSerializerContext;

/// <summary>The running server's part of a backup: makes a copy of both stores for whoever asks, and removes it after.</summary>
/// <remarks>One at a time. What a killed server left behind is removed at the next start.</remarks>
/// <param name="dataFolder">Of the running server.</param>
/// <param name="copyAsync">Makes a copy of both stores in a folder that it makes; fails with <see cref="IOException"/>.</param>
internal sealed partial class SnapshotService(string dataFolder, Func<string, Task> copyAsync, TimeProvider time, ILogger<SnapshotService> logger) : IControlService
{
    public const string Ask = "snapshot 1";

    public const string Done = "done";

    private readonly string _folder = DataFolder.SnapshotFolderIn(dataFolder);

    private int _isBusy;

    public string Request => Ask;

    public void Prepare() => RemoveSnapshot();

    public async Task ServeAsync(string argument, StreamReader reader, StreamWriter writer, CancellationToken stopping)
    {
        if (Interlocked.Exchange(ref _isBusy, 1) == 1)
        {
            await AnswerAsync(writer, new(Error: "Another backup is being made. Wait for its end."));
            return;
        }

        try
        {
            await AnswerAsync(writer, new(Process: Environment.ProcessId));
            await AnswerAsync(writer, await MakeAsync());
            // For as long as it takes to copy it: the connection ends with the other process, however that ends.
            if (await reader.ReadRequestAsync(stopping) is Done)
            {
                RemoveSnapshot();
                await AnswerAsync(writer, new());
            }
        }
        finally
        {
            RemoveSnapshot();
            Volatile.Write(ref _isBusy, 0);
        }
    }

    private static Task AnswerAsync(StreamWriter writer, SnapshotAnswer answer) => writer.AnswerAsync(answer, SnapshotJson.Default.SnapshotAnswer);

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

    [LoggerMessage(4102, LogLevel.Information, "A copy of all data was made for a backup, in {Milliseconds:F0} ms")]
    private static partial void LogMade(ILogger logger, double milliseconds);

    [LoggerMessage(4103, LogLevel.Error, "The copy for a backup could not be made")]
    private static partial void LogFailed(ILogger logger, Exception error);

    [LoggerMessage(4104, LogLevel.Warning, "The copy for a backup in {Folder} could not be removed; it goes at the next start")]
    private static partial void LogLeft(ILogger logger, string folder, Exception error);
}
