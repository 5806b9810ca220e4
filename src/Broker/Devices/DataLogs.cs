using System.Collections.Concurrent;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>The data logs of all rooms, by room key, and the cursors that changed. Thread-safe.</summary>
/// <remarks>A room that was deleted keeps an empty place until the program ends, so that nothing is written under its key.</remarks>
internal sealed partial class DataLogs(IRecords records, BrokerLimits limits, DiskSpace space, TimeProvider time, ILogger<DataLogs> logger)
{
    private readonly ConcurrentDictionary<string, DataLog> _logs = new();

    // Each at most once.
    private readonly ConcurrentQueue<ILogCursor> _changed = new();

    // As a set.
    private readonly ConcurrentDictionary<ILogCursor, bool> _later = new();
    private int _hasToldOfFailure;

    public IRecords Records => records;

    public DataLog Of(string roomKey) => _logs.GetOrAdd(
        roomKey,
        static (key, of) => new DataLog(key, of.records, of.space, of.limits, of.time, of.logger),
        (records, space, limits, time, logger));

    /// <summary>The cursor is to be written with the next sweep.</summary>
    public void Changed(ILogCursor cursor) => _changed.Enqueue(cursor);

    /// <summary>What the cursor is owed could not be brought: it is told once more with the next sweep.</summary>
    public void TellLater(ILogCursor cursor) => _later[cursor] = true;

    /// <summary>To bring a group what it is owed failed, as it should never: it is tried again with the next sweep.</summary>
    public void Failed(DataGroupCursor cursor, Exception error)
    {
        if (Interlocked.Exchange(ref _hasToldOfFailure, 1) == 0)
        {
            LogFailed(logger, error);
        }

        TellLater(cursor);
    }

    /// <summary>They are another node's from now on: nothing more is written by these.</summary>
    public void LetGo()
    {
        foreach (var log in _logs.Values)
        {
            log.LetGo();
        }

        _logs.Clear();
        _changed.Clear();
        _later.Clear();
    }

    /// <summary>About once a second.</summary>
    public void Sweep()
    {
        foreach (var cursor in _later.Keys)
        {
            _later.TryRemove(cursor, out _);
            cursor.Stored();
        }

        foreach (var log in _logs.Values)
        {
            log.Sweep();
        }

        _ = SaveAsync();
    }

    /// <summary>
    /// Where clients are is on disk; or the disk takes nothing, and what was sent since may come twice at QoS 1.
    /// </summary>
    public async Task SaveAsync()
    {
        List<(ILogCursor Cursor, Task Saved)> saves = [];
        while (_changed.TryDequeue(out var cursor))
        {
            saves.Add((cursor, cursor.SaveAsync()));
        }

        foreach (var (_, saved) in saves)
        {
            try
            {
                await saved;
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // The operator has heard of it from the log; the cursor is noted again with its next change.
            }
        }
    }

    /// <inheritdoc cref="IRoomValues.ForgetAsync"/>
    public Task ForgetAsync(string roomKey) => Of(roomKey).ForgetAsync();

    [LoggerMessage(4322, LogLevel.Error,
        "To bring a shared subscription what devices said failed, and is tried again; said once, however often it fails")]
    private static partial void LogFailed(ILogger logger, Exception error);
}

/// <summary>All that is kept of what devices have said in rooms.</summary>
internal sealed class RoomData(RetainedRooms retained, DataLogs logs) : IRoomValues
{
    public async Task ForgetAsync(string roomKey)
    {
        await retained.ForgetAsync(roomKey);
        await /* guard: data log of a deleted room */ logs.ForgetAsync(roomKey);
    }
}
