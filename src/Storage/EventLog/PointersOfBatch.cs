using System.Buffers.Binary;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>Writes the pointers (<see cref="EventPointer"/>) of a batch's events.</summary>
/// <remarks>The log thread's own.</remarks>
internal sealed class PointersOfBatch(RocksDb db, WriteBatch batch, LogJournal journal)
{
    private static readonly LogState[] _none = [];

    /// <summary>The states of the logs that the append's pointers go to. Throws where one cannot be read.</summary>
    public static LogState[] Open(PendingAppend append, Func<LogName, LogState> current)
    {
        if (append.Pointers.Count == 0)
        {
            return _none;
        }

        var states = new LogState[append.Pointers.Count];
        for (var i = 0; i < states.Length; i++)
        {
            states[i] = current(append.Pointers[i].Log);
        }

        return states;
    }

    /// <summary>Whether the entries are there whose place pointers take.</summary>
    public bool TryRead(PendingAppend append, LogState[] states, out byte[]?[] old)
    {
        old = states.Length == 0 ? [] : new byte[]?[states.Length];
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        for (var i = 0; i < states.Length; i++)
        {
            if (append.Pointers[i].InPlaceOf is > 0 and var seq)
            {
                old[i] = RocksStore.Get(db, key[..LogRecords.EventKey(key, states[i].Prefix, seq)]);
                if (old[i] is null)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <param name="seq">Of the event.</param>
    /// <param name="touch">A log has an entry more.</param>
    public void Put(PendingAppend append, LogState[] states, byte[]?[] old, long seq, long now, Action<LogState> touch)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        for (var i = 0; i < states.Length; i++)
        {
            var (pointer, state) = (append.Pointers[i], states[i]);
            var body = new byte[pointer.Beginning.Length + EventPointer.SeqBytes];
            pointer.Beginning.CopyTo(body);
            BinaryPrimitives.WriteInt64BigEndian(body.AsSpan(pointer.Beginning.Length), seq);
            var value = new byte[LogRecords.MaxEventHeader + body.Length];
            int length;
            if (old[i] is { } replaced)
            {
                length = LogRecords.MovedEvent(value, LogRecords.ReadEvent(replaced), body);
                pointer.Seq = pointer.InPlaceOf;
                journal.Replaces(state, pointer.Seq);
            }
            else
            {
                var head = state.Next;
                var at = Math.Max(now, head.LastAt);
                pointer.Seq = head.Head + 1;
                state.Next = head with { Head = pointer.Seq, First = head.First == 0 ? pointer.Seq : head.First, LastAt = at };
                touch(state);
                length = LogRecords.Event(value, at, append.Author, null, body);
            }

            pointer.Epoch = state.Next.Epoch;
            batch.Put(key[..LogRecords.EventKey(key, state.Prefix, pointer.Seq)], value.AsSpan(0, length));
        }
    }
}
