using System.Buffers.Binary;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// Takes from the disk what was truncated, a step at a time. What is to go is not readable any more since its batch:
/// a record of the log's name, written in that batch, says where to go on, so that a stop or a kill in between leaves nothing behind.
/// </summary>
/// <remarks>
/// Runs on the log thread between batches.
/// An event whose id is to be remembered stays without its body until <see cref="IdSweep"/> comes by.
/// </remarks>
internal sealed class Truncation(RocksDb db, Func<LogName, LogState> stateOf, RocksEventLogOptions options, TimeProvider time)
{
    // The log that has its turn, by the key of its record; null when nothing is under way. At the start there may be something left.
    private byte[]? _next = LogRecords.TruncatedPrefix.ToArray();

    public bool IsRunning => _next is not null;

    /// <summary>Starts with the first log.</summary>
    public void Begin() => _next = LogRecords.TruncatedPrefix.ToArray();

    /// <summary>Does one step of one log. What it throws ends that log's until it is begun anew; the others go on.</summary>
    public void Step()
    {
        if (_next is not { } next)
        {
            return;
        }

        _next = null;
        using var iterator = db.NewIterator();
        iterator.Seek(next);
        if (!iterator.Valid() || !iterator.GetKeySpan().StartsWith(LogRecords.TruncatedPrefix))
        {
            RocksStore.ThrowIfFailed(iterator);
            return;
        }

        var key = iterator.GetKeySpan().ToArray();
        _next = [.. key, 0];
        if (!Shorten(iterator, key, BinaryPrimitives.ReadInt64BigEndian(iterator.GetValueSpan())))
        {
            _next = key;
        }
    }

    /// <summary>True when nothing is left to do in the log.</summary>
    private bool Shorten(Iterator iterator, byte[] record, long from)
    {
        var state = stateOf(LogName.Stored(record.AsSpan(LogRecords.TruncatedPrefix.Length)));
        if (state.Stale)
        {
            return true;
        }

        var head = state.Durable;
        var to = Math.Min(from + options.TruncateStep, head.First);
        using WriteBatch batch = new();
        if (to > from)
        {
            var first = LogRecords.EventKey(state.Prefix, from);
            var end = LogRecords.EventKey(state.Prefix, to);
            batch.DeleteRange(first, (ulong)first.Length, end, (ulong)end.Length);
            KeepIds(iterator, batch, state, Math.Max(from, head.SweptTo + 1), end);
        }

        var isDone = to >= head.First;
        if (isDone)
        {
            batch.Delete(record);
        }
        else
        {
            var value = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(value, to);
            batch.Put(record, value);
        }

        // Not synced: what a crash takes back of it is done again.
        db.Write(batch);
        return isDone;
    }

    private void KeepIds(Iterator iterator, WriteBatch batch, LogState state, long from, ReadOnlySpan<byte> end)
    {
        var oldest = time.GetUtcNow().ToUnixTimeMilliseconds() - (long)options.IdAge.TotalMilliseconds;
        Span<byte> idKey = stackalloc byte[LogRecords.MaxKey];
        Span<byte> idValue = stackalloc byte[LogRecords.IdRecordSize];
        Span<byte> stub = stackalloc byte[LogRecords.MaxEventHeader];
        for (iterator.Seek(LogRecords.EventKey(state.Prefix, from)); iterator.Valid() && iterator.GetKeySpan().SequenceCompareTo(end) < 0; iterator.Next())
        {
            var entry = LogRecords.ReadEvent(iterator.GetValueSpan());
            if (!entry.HasId)
            {
                continue;
            }

            var id = idKey[..LogRecords.IdKey(idKey, state.Prefix, entry.Author, entry.Id)];
            if (!db.GetFixedSizeValue(id, idValue) || LogRecords.ReadId(idValue).Seq != LogRecords.SeqIn(iterator.GetKeySpan()))
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
                batch.Put(iterator.GetKeySpan(), stub[..LogRecords.Stub(stub, entry)]);
            }
        }

        RocksStore.ThrowIfFailed(iterator);
    }
}
