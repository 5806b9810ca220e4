using System.Buffers.Binary;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// Takes from the disk what was truncated, a step at a time. What is to go is not readable any more since its batch:
/// a record of the log's name, written in that batch, says where to go on, so that a stop or a kill in between leaves nothing behind.
/// </summary>
/// <remarks>
/// Runs on the log thread between batches, a slice at a time, so that what is said meanwhile waits for a millisecond and not for a stretch.
/// An event whose id is to be remembered stays without its body until <see cref="IdSweep"/> comes by.
/// Ids that may go are deleted with their slice; the events go at the end of the stretch, all by one mark, for many marks slow down
/// whoever reads. A crash in between has the stretch walked once more, which then finds those ids gone.
/// </remarks>
internal sealed class Truncation(RocksDb db, Func<LogName, LogState> stateOf, RocksEventLogOptions options, TimeProvider time)
{
    // The log that has its turn, by the key of its record; null when no other is to be begun. At the start there may be something left.
    private byte[]? _next = LogRecords.TruncatedPrefix.ToArray();
    private Stretch? _stretch;

    public bool IsRunning => _next is not null || _stretch is not null;

    /// <summary>Starts with the first log; a stretch under way is finished before.</summary>
    public void Begin() => _next = LogRecords.TruncatedPrefix.ToArray();

    /// <summary>Does one slice of one log. What it throws ends that log's until it is begun anew; the others go on.</summary>
    public void Step()
    {
        if ((_stretch ?? NextStretch()) is not { } stretch)
        {
            return;
        }

        _stretch = null;
        var state = stateOf(stretch.Log);
        if (state.Stale || /* guard: what was dropped meanwhile is not shortened */ state.Durable.Epoch != stretch.Epoch)
        {
            return;
        }

        if (Walk(stretch, state))
        {
            Remove(stretch, state);
        }
        else
        {
            _stretch = stretch;
        }
    }

    private Stretch? NextStretch()
    {
        if (_next is not { } next)
        {
            return null;
        }

        _next = null;
        using var iterator = db.NewIterator();
        iterator.Seek(next);
        if (!iterator.Valid() || !iterator.GetKeySpan().StartsWith(LogRecords.TruncatedPrefix))
        {
            RocksStore.ThrowIfFailed(iterator);
            return null;
        }

        var key = iterator.GetKeySpan().ToArray();
        var from = BinaryPrimitives.ReadInt64BigEndian(iterator.GetValueSpan());
        _next = [.. key, 0];
        var log = LogName.Stored(key.AsSpan(LogRecords.TruncatedPrefix.Length));
        var head = stateOf(log).Durable;
        var to = Math.Min(from + options.TruncateStep, head.First);
        return new Stretch(key, _next, log, head.Epoch, from, to) { At = Math.Max(from, head.SweptTo + 1) };
    }

    /// <summary>Looks at the next slice's ids; true at the end of the stretch.</summary>
    private bool Walk(Stretch stretch, LogState state)
    {
        if (stretch.At >= stretch.To)
        {
            return true;
        }

        var oldest = time.GetUtcNow().ToUnixTimeMilliseconds() - (long)options.IdAge.TotalMilliseconds;
        var end = LogRecords.EventKey(state.Prefix, stretch.To);
        Span<byte> idKey = stackalloc byte[LogRecords.MaxKey];
        Span<byte> idValue = stackalloc byte[LogRecords.IdRecordSize];
        Span<byte> stub = stackalloc byte[LogRecords.MaxEventHeader];
        using WriteBatch batch = new();
        using var iterator = db.NewIterator();
        iterator.Seek(LogRecords.EventKey(state.Prefix, stretch.At));
        var left = options.TruncateSlice;
        for (; left > 0 && iterator.Valid() && iterator.GetKeySpan().SequenceCompareTo(end) < 0; iterator.Next(), left--)
        {
            stretch.At = LogRecords.SeqIn(iterator.GetKeySpan()) + 1;
            var entry = LogRecords.ReadEvent(iterator.GetValueSpan());
            if (!entry.HasId)
            {
                continue;
            }

            var id = idKey[..LogRecords.IdKey(idKey, state.Prefix, entry.Author, entry.Id)];
            if (!db.GetFixedSizeValue(id, idValue) || LogRecords.ReadId(idValue).Seq != stretch.At - 1)
            {
                // Used again since: it is no longer this event's.
                continue;
            }

            if (entry.At < oldest)
            {
                batch.Delete(id);
            }
            else
            {
                stretch.Stubs.Add(new(iterator.GetKeySpan().ToArray(), stub[..LogRecords.Stub(stub, entry)].ToArray()));
            }
        }

        RocksStore.ThrowIfFailed(iterator);
        if (batch.Count() > 0)
        {
            // Not synced: what a crash takes back of it is done again.
            db.Write(batch);
        }

        return left > 0;
    }

    private void Remove(Stretch stretch, LogState state)
    {
        using WriteBatch batch = new();
        if (stretch.To > stretch.From)
        {
            var first = LogRecords.EventKey(state.Prefix, stretch.From);
            var end = LogRecords.EventKey(state.Prefix, stretch.To);
            batch.DeleteRange(first, (ulong)first.Length, end, (ulong)end.Length);
            foreach (var (key, value) in stretch.Stubs.Where(stub => LogRecords.SeqIn(stub.Key) > state.Durable.SweptTo))
            {
                batch.Put(key, value);
            }
        }

        if (stretch.To >= state.Durable.First)
        {
            batch.Delete(stretch.Record);
        }
        else
        {
            var value = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(value, stretch.To);
            batch.Put(stretch.Record, value);
            if (ReferenceEquals(_next, stretch.Next))
            {
                // Else it was begun anew meanwhile, by a log that may be named before this one, and comes back to this one by itself.
                _next = stretch.Record;
            }
        }

        // Not synced, as above.
        db.Write(batch);
    }

    /// <summary>What goes by one mark.</summary>
    /// <param name="Record">The key of the log's record.</param>
    /// <param name="Next">Where it is gone on when this log is done.</param>
    /// <param name="To">The first seq that is not of it.</param>
    private sealed record Stretch(byte[] Record, byte[] Next, LogName Log, string Epoch, long From, long To)
    {
        /// <summary>The first seq that is still to be looked at.</summary>
        public long At { get; set; }

        /// <summary>What stays of events whose id is to be remembered.</summary>
        public List<KeyValuePair<byte[], byte[]>> Stubs { get; } = [];
    }
}
