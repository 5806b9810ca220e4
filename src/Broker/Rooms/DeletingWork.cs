using WebMessenger.Broker.Events;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Deletes what people had said who were put out with `deleteSince`: each message by an event, as a moderator deletes it, a few at a time.
/// </summary>
/// <remarks>
/// A task of its own, which holds no turn. How far it has come is in the record of the act: the next start goes on from there. Of several
/// that are due each has a step in turn.
/// </remarks>
internal sealed partial class DeletingWork(
    RoomDirectory rooms, IEventLog log, IRecords records, Pins pins, BrokerLimits limits, IDuties duties, TimeProvider time, ILogger<DeletingWork> logger)
    : ScheduledWork(duties), IRoomRecords
{
    /// <summary>Messages that are deleted at once.</summary>
    internal const int StepMessages = 50;

    private const int PageEvents = 500;
    private const int Tries = 3;
    private const int DueAtOnce = 1_000;

    // An event is numbered a moment after its act was planned. Where the event is gone, nothing is deleted beyond this.
    private static readonly TimeSpan _plannedBefore = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _again = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _noted = new(0);
    private readonly HashSet<string> _told = [];

    /// <summary>Somebody was put out just now, and his words are to go. Thread-safe.</summary>
    public void Note() => _noted.Release();

    /// <summary>Another node has put somebody out whose words are to go: whichever node deletes, does.</summary>
    public void Heard(RecordChange change)
    {
        // That one has come further says nothing new.
        if (change.Value is { } value && DeletingDue.Read(value) is { After: 0 })
        {
            Note();
        }
    }

    public Task ForgetRoomAsync(string roomKey) => records.WriteInPartsAsync(
        records.ReadAll(DeletingDue.PrefixOf(roomKey)).Select(one => new RecordChange(one.Key, null)));

    public override void Dispose()
    {
        _noted.Dispose();
        base.Dispose();
    }

    protected override async Task WorkAsync(CancellationToken over)
    {
        // What another node has noted, or left as it died.
        Note();
        try
        {
            while (true)
            {
                await _noted.WaitAsync(over);

                // It reads the disk, and waits for it.
                if (!await Task.Run(() => DeleteAllAsync(over), over))
                {
                    await Task.Delay(_again, time, over);
                    Note();
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The end. The next start goes on.
        }
    }

    // False: something is left, and may be tried again later.
    private async Task<bool> DeleteAllAsync(CancellationToken cancellation)
    {
        var isDone = true;
        try
        {
            for (var isMore = true; isMore;)
            {
                isMore = false;
                foreach (var (key, value) in records.ReadPage(DeletingDue.Prefix, [], DueAtOnce))
                {
                    // What a later version wrote is left to it.
                    if (DeletingDue.Read(value) is { } due)
                    {
                        isMore |= await StepAsync(key, due, cancellation);
                    }
                }
            }
        }
        catch (IOException error)
        {
            isDone = false;
            LogFailed(logger, error.Message);
        }

        return isDone;
    }

    // True: there is more to do of it.
    private async Task<bool> StepAsync(byte[] key, DeletingDue due, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        if (rooms.FindByKey(DeletingDue.RoomOf(key)) is not { IsDeleted: false } room)
        {
            // The end of the room removes it.
            return false;
        }

        try
        {
            var (found, after) = Find(room.Log, due, cancellation);
            if (!await DeleteAsync(room, due, found))
            {
                throw new RecordsNotWrittenException("The deletions could not be stored.");
            }

            await records.WriteAsync([new RecordChange(key, after is { } seq ? (due with { After = seq }).Write() : null)]);

            // Also after the last of it: of many that have little to do each would else begin at once.
            if (found.Count > 0 && /* guard: deletions of many messages in a second */ limits.DeletionsPerSecond > 0)
            {
                var rest = TimeSpan.FromSeconds((double)found.Count / limits.DeletionsPerSecond) - time.GetElapsedTime(began);
                await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, time, cancellation);
            }

            return after is not null;
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            // Or it would never come to the others.
            if (_told.Add(room.Key))
            {
                LogLeftOut(logger, room.Log, error.Message);
            }

            return false;
        }
    }

    // The next messages of his, and up to which seq that is all of them; null: to the end.
    private (List<LogEntry> Found, long? After) Find(LogName name, DeletingDue due, CancellationToken cancellation)
    {
        List<LogEntry> found = [];
        var most = limits.DeletionsPerSecond is > 0 and < StepMessages ? limits.DeletionsPerSecond : StepMessages;
        var after = due.After > 0 ? due.After : log.FirstFrom(name, DateTimeOffset.FromUnixTimeMilliseconds(due.Since)) - 1;
        var end = DateTimeOffset.FromUnixTimeMilliseconds(due.At) + _plannedBefore;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var page = log.ReadReadable(name, after, PageEvents, out _);
            foreach (var entry in page)
            {
                if ((/* guard: what he says when he is back stays */ IsActOf(entry, due)) || entry.At > end)
                {
                    return (found, null);
                }

                if (entry.Author == due.Account && EventBody.TypeOf(entry.Body.Span) == EventType.Message)
                {
                    found.Add(entry);
                }

                after = entry.Seq;
                if (found.Count == most)
                {
                    return (found, after);
                }
            }

            if (page.Count == 0)
            {
                return (found, null);
            }
        }
    }

    private static bool IsActOf(in LogEntry entry, DeletingDue due) => entry.Author == due.By
        && EventBody.TypeOf(entry.Body.Span) is EventType.Kick or EventType.Ban
        && System.Text.Encoding.UTF8.GetString(EventBody.IdOf(entry.Body.Span)) == due.Id;

    // False: the store could not write.
    private async Task<bool> DeleteAsync(Room room, DeletingDue due, List<LogEntry> messages)
    {
        for (var attempt = 1; messages.Count > 0; attempt++)
        {
            List<PendingRemoval> removals = [];
            foreach (var message in messages)
            {
                // Of two in one batch the second would find the pins changed: what is pinned goes one by one.
                var unpinned = pins.RemovalOf(room.Log, room.PinsKnown, message.Seq);
                var removal = PendingRemoval.To(room, due.Author, message, log, unpinned);
                if (!room.TryAppend(removal, moreFollows: message.Seq != messages[^1].Seq && unpinned.Changes.Count == 0))
                {
                    // The room has ended.
                    return true;
                }

                removals.Add(removal);
                if (unpinned.Changes.Count > 0)
                {
                    await removal.Done;
                }
            }

            await Task.WhenAll(removals.Select(removal => removal.Done));
            if (removals.Exists(removal => removal.Outcome == AppendOutcome.StoreFailed))
            {
                return false;
            }

            // Somebody has changed or deleted it meanwhile.
            messages = attempt == Tries ? []
                : [.. removals.Where(removal => removal.Outcome == AppendOutcome.Conflict)
                    .Select(removal => log.FindReadable(room.Log, removal.Of)?.Entry).OfType<LogEntry>()
                    .Where(entry => EventBody.TypeOf(entry.Body.Span) == EventType.Message)];
        }

        return true;
    }

    [LoggerMessage(3744, LogLevel.Warning, "What people had said who were put out could not all be deleted; it is tried again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(3745, LogLevel.Error, "What somebody had said who was put out of {Log} is not deleted, for the log cannot be read: {Reason}")]
    private static partial void LogLeftOut(ILogger logger, LogName log, string reason);
}
