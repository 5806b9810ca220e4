using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The stored events that the appends of a batch are about: which they are conditional on, refer to, replace, or take the place
/// of.</summary>
/// <remarks>
/// The writer's own. They are as they are stored, under the lock of the journal. So an append that is about an event which its own batch
/// adds or changes has to begin another one.
/// </remarks>
internal sealed class PgEarlier(PgLook look)
{
    private readonly HashSet<(PgLogState State, long Seq)> _changed = [];

    /// <summary>Asks for all that the append is about.</summary>
    public void Ask(PendingAppend append)
    {
        for (var i = 0; i < append.Replacements.Count; i++)
        {
            look.AskEvent(append.Log, append.Replacements[i].Seq);
        }

        for (var i = 0; i < append.EntryConditions.Count; i++)
        {
            look.AskEvent(append.Log, append.EntryConditions[i].Seq);
        }

        if (append.RefersTo > 0)
        {
            look.AskEvent(append.Log, append.RefersTo);
        }

        for (var i = 0; i < append.Pointers.Count; i++)
        {
            if (append.Pointers[i].InPlaceOf > 0)
            {
                look.AskEvent(append.Pointers[i].Log, append.Pointers[i].InPlaceOf);
            }
        }
    }

    /// <summary>The batch that is being built changes this one.</summary>
    public void Changes(PgLogState state, long seq) => _changed.Add((state, seq));

    public void Clear() => _changed.Clear();

    /// <summary>It is about one that is not stored yet as it will be.</summary>
    public bool IsAboutThisBatch(PendingAppend append, PgLogState state)
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

        return append.RefersTo > 0 && /* guard: what an event of the cluster refers to as it is by then */ IsOfThisBatch(append.RefersTo, state);
    }

    /// <summary>Whether the append may be about the event that it refers to.</summary>
    public bool Allow(PendingAppend append, PgLogState state) =>
        append.RefersTo == 0 || append.MayReferTo(Find(state, append.RefersTo) is { } stored ? stored.Body : []);

    public bool Hold(IReadOnlyList<EntryCondition> conditions, PgLogState state)
    {
        for (var i = 0; i < conditions.Count; i++)
        {
            if (Find(state, conditions[i].Seq) is not { } stored || /* guard: conditions on earlier events of the cluster */ stored.ChangedBy != conditions[i].ChangedBy)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What is stored of those that are to be replaced; false when one is not there.</summary>
    public bool TryFind(IReadOnlyList<Replacement> replacements, PgLogState state, out PgEvent[] old)
    {
        old = replacements.Count == 0 ? [] : new PgEvent[replacements.Count];
        for (var i = 0; i < old.Length; i++)
        {
            if (Find(state, replacements[i].Seq) is not { } stored)
            {
                return false;
            }

            old[i] = stored;
        }

        return true;
    }

    /// <summary>Null: it is not there, or not there any more.</summary>
    /// <exception cref="LogDamagedException">It should be, and is not.</exception>
    public PgEvent? Find(PgLogState state, long seq)
    {
        var head = state.Durable!;
        if (seq < Math.Max(1, head.First) || seq > head.Head)
        {
            return null;
        }

        return look.Earlier.TryGetValue((state.Log.Value, seq), out var stored) && stored.LogId == head.Id
            ? stored
            : throw new LogDamagedException($"The event log lacks event {seq} of {state.Log}.");
    }

    private bool IsOfThisBatch(long seq, PgLogState state) =>
        (state.Next is { } next && seq > state.Durable!.Head && seq <= next.Head) || _changed.Contains((state, seq));
}
