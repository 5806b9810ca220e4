using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>The stored events that the appends of a batch are about: which they are conditional on, refer to, or replace.</summary>
/// <remarks>
/// The log thread's own. They are read from the store only.
/// So an append that is about an event which its own batch adds or changes has to begin another one.
/// </remarks>
internal sealed class EarlierEvents(RocksDb db)
{
    private readonly HashSet<(LogState State, long Seq)> _changed = [];

    // What is to be replaced is read by the condition on it already.
    private (LogState? State, long Seq, byte[] Stored) _last = (null, 0, []);

    /// <summary>The batch that is being built changes this one.</summary>
    public void Changes(LogState state, long seq) => _changed.Add((state, seq));

    public void Clear()
    {
        _changed.Clear();
        _last = (null, 0, []);
    }

    /// <summary>It is about one that is not in the store yet as it will be.</summary>
    public bool IsAboutThisBatch(PendingAppend append, LogState state)
    {
        for (var i = 0; i < append.Replacements.Count; i++)
        {
            if (IsOfThisBatch(append.Replacements[i].Seq, state))
            {
                return true;
            }
        }

        for (var i = 0; i < append.EntryConditions.Count; i++)
        {
            if (IsOfThisBatch(append.EntryConditions[i].Seq, state))
            {
                return true;
            }
        }

        return append.RefersTo > 0 && /* guard: what an event refers to as it is by then */ IsOfThisBatch(append.RefersTo, state);
    }

    /// <summary>Whether the append may be about the event that it refers to.</summary>
    public bool Allow(PendingAppend append, LogState state) =>
        append.RefersTo == 0 || append.MayReferTo(ReadEvent(state, append.RefersTo) is { } stored ? LogRecords.ReadEvent(stored).Body : []);

    public bool Hold(IReadOnlyList<EntryCondition> conditions, LogState state)
    {
        for (var i = 0; i < conditions.Count; i++)
        {
            if (ReadEvent(state, conditions[i].Seq) is not { } stored || /* guard: conditions on earlier events */ LogRecords.ReadEvent(stored).ChangedBy != conditions[i].ChangedBy)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What is stored of those that are to be replaced; false when one is not there.</summary>
    public bool TryRead(IReadOnlyList<Replacement> replacements, LogState state, out byte[][] old)
    {
        old = replacements.Count == 0 ? [] : new byte[replacements.Count][];
        for (var i = 0; i < old.Length; i++)
        {
            if (ReadEvent(state, replacements[i].Seq) is not { } stored)
            {
                return false;
            }

            old[i] = stored;
        }

        return true;
    }

    private bool IsOfThisBatch(long seq, LogState state) => (seq > state.Durable.Head && seq <= state.Next.Head) || _changed.Contains((state, seq));

    private byte[]? ReadEvent(LogState state, long seq)
    {
        var head = state.Durable;
        if (seq < Math.Max(1, head.First) || seq > head.Head)
        {
            return null;
        }

        if (_last.State == state && _last.Seq == seq)
        {
            return _last.Stored;
        }

        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        var stored = RocksStore.Get(db, key[..LogRecords.EventKey(key, state.Prefix, seq)])
            ?? throw new LogDamagedException($"The event log lacks event {seq} of {state.Name}.");
        _last = (state, seq, stored);
        return stored;
    }
}
