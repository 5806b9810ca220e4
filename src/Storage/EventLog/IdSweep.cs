using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// Forgets ids that are old enough, a bounded step at a time. It walks the logs one after the other,
/// and in each goes on where it last stopped: an event knows its id, so no event is looked at twice and nothing is ever scanned as a whole.
/// </summary>
/// <remarks>Runs on the log thread between batches.</remarks>
internal sealed class IdSweep(RocksDb db, Func<LogName, LogState> stateOf, RocksEventLogOptions options, TimeProvider time)
{
    private const int LogsPerStep = 32;
    private const int EventsPerStep = 256;

    // Where to go on among the logs; null when no sweep is under way.
    private byte[]? _cursor;

    public bool IsRunning => _cursor is not null;

    public static bool MayGo(long seq, long at, in HeadRecord head, long now, RocksEventLogOptions options) =>
        MayGo(seq, at, head.First, head.Head, now, options.IdEvents, options.IdAge);

    public static bool MayGo(long seq, long at, long first, long head, long now, int idEvents, TimeSpan idAge) =>
        (seq < first || seq <= head - idEvents) && at < now - (long)idAge.TotalMilliseconds;

    /// <summary>Starts from the first log; a sweep under way goes on instead.</summary>
    public void Begin() => _cursor ??= LogRecords.FirstLogKey.ToArray();

    /// <summary>Does a little of a sweep that is under way. What it throws ends that sweep.</summary>
    public void Step()
    {
        if (_cursor is not { } cursor)
        {
            return;
        }

        _cursor = null;
        using var iterator = db.NewIterator();
        var events = EventsPerStep;
        for (var logs = 0; logs < LogsPerStep && events > 0; logs++)
        {
            iterator.Seek(cursor);
            if (!iterator.Valid())
            {
                RocksStore.ThrowIfFailed(iterator);
                return;
            }

            var name = LogRecords.NameIn(iterator.GetKeySpan()).ToArray();
            if (!SweepLog(iterator, name, ref events))
            {
                break;
            }

            cursor = LogRecords.End(name);
        }

        _cursor = cursor;
    }

    /// <summary>True when nothing is left to do in the log for now.</summary>
    private bool SweepLog(Iterator iterator, byte[] name, ref int events)
    {
        if (RocksStore.ReadHead(db, LogRecords.Prefix(name)) is not { } stored || stored.SweptTo >= Last(stored))
        {
            return true;
        }

        var state = stateOf(LogName.Stored(name));
        if (state.Stale)
        {
            return true;
        }

        var head = state.Durable;
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var first = head.SweptTo + 1;
        var seq = first;
        var isNext = false;
        using WriteBatch batch = new();
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> idKey = stackalloc byte[LogRecords.MaxKey];
        Span<byte> idValue = stackalloc byte[LogRecords.IdRecordSize];
        for (; events > 0 && seq <= Last(head); events--, seq++)
        {
            if (seq < head.First)
            {
                // Truncated: it is there as far as its id is remembered, or else it is the next one's turn.
                seq = NextTruncated(iterator, state, seq, head.First);
                isNext = false;
                if (seq == head.First)
                {
                    seq--;
                    continue;
                }
            }

            var wanted = key[..LogRecords.EventKey(key, state.Prefix, seq)];
            if (!RocksStore.TryMoveTo(iterator, wanted, isNext))
            {
                throw new LogDamagedException($"The event log lacks event {seq} of {state.Name}.");
            }

            var entry = LogRecords.ReadEvent(iterator.GetValueSpan());
            isNext = true;
            if (!MayGo(seq, entry.At, head, now, options))
            {
                break;
            }

            if (entry.HasId)
            {
                // The id may have been used again since: then it is no longer this event's.
                var id = idKey[..LogRecords.IdKey(idKey, state.Prefix, entry.Author, entry.Id)];
                if (db.GetFixedSizeValue(id, idValue) && LogRecords.ReadId(idValue).Seq == seq)
                {
                    batch.Delete(id);
                }
            }

            if (seq < head.First)
            {
                batch.Delete(wanted);
            }
        }

        if (seq > first)
        {
            Span<byte> value = stackalloc byte[LogRecords.MaxHeadRecord];
            var swept = head with { SweptTo = seq - 1 };
            batch.Put(key[..LogRecords.HeadKey(key, state.Prefix)], value[..LogRecords.Head(value, swept)]);
            // Not synced: what a crash takes back of it is done again.
            db.Write(batch);
            state.Durable = swept;
        }

        return events > 0;
    }

    /// <summary>The last event whose id may go, if it is old enough.</summary>
    private long Last(in HeadRecord head) => Math.Max(head.Head - options.IdEvents, head.First - 1);

    /// <summary>
    /// The first event from <paramref name="seq"/> on that is still there of a truncated stretch, or <paramref name="end"/>.
    /// </summary>
    private static long NextTruncated(Iterator iterator, LogState state, long seq, long end)
    {
        Span<byte> last = stackalloc byte[LogRecords.MaxKey];
        last = last[..LogRecords.EventKey(last, state.Prefix, end)];
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        iterator.Seek(key[..LogRecords.EventKey(key, state.Prefix, seq)]);
        if (iterator.Valid() && iterator.GetKeySpan().SequenceCompareTo(last) < 0)
        {
            return LogRecords.SeqIn(iterator.GetKeySpan());
        }

        RocksStore.ThrowIfFailed(iterator);
        return end;
    }
}
