using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What a batch does to logs: for the journal, and for other nodes.</summary>
/// <remarks>The writer's own; used again for each batch.</remarks>
internal sealed class PgChanges
{
    private readonly HashSet<(PgLogState State, long Seq)> _replaced = [];
    private readonly Dictionary<LogName, IReadOnlyList<LogEntry>> _entries = [];
    private readonly List<(PgLogState State, LogChange Change)> _all = [];

    /// <summary>As the journal tells them.</summary>
    public IReadOnlyList<LogChange> All => _all.ConvertAll(one => one.Change);

    /// <summary>Of each log that is told of, after the batch.</summary>
    public Dictionary<LogName, PgHead> Heads()
    {
        Dictionary<LogName, PgHead> heads = [];
        foreach (var (state, change) in _all)
        {
            heads[change.Log] = state.Next ?? state.Durable!;
        }

        return heads;
    }

    /// <summary>What was appended, by log and oldest first.</summary>
    public Dictionary<LogName, IReadOnlyList<LogEntry>> Entries() => new(_entries);

    public void Add(PgLogState state, JournalKind kind, long from, long to) => _all.Add((state, new(state.Log, kind, from, to)));

    public void Replaced(PgLogState state, long seq) => _replaced.Add((state, seq));

    public void Appended(PgLogState state, in LogEntry entry)
    {
        if (!_entries.TryGetValue(state.Log, out var entries))
        {
            _entries[state.Log] = entries = new List<LogEntry>();
        }

        ((List<LogEntry>)entries).Add(entry);
    }

    /// <summary>All was decided: what was replaced comes first, neighbours as one stretch, then what was appended.</summary>
    public void End(IReadOnlyList<PgLogState> heads)
    {
        foreach (var log in _replaced.GroupBy(one => one.State).OrderBy(log => log.Key.Log.Value, StringComparer.Ordinal))
        {
            var seqs = log.Select(one => one.Seq).Order().ToList();
            var from = seqs[0];
            for (var i = 1; i <= seqs.Count; i++)
            {
                if (i == seqs.Count || seqs[i] != seqs[i - 1] + 1)
                {
                    Add(log.Key, JournalKind.Replace, from, seqs[i - 1]);
                    from = i < seqs.Count ? seqs[i] : from;
                }
            }
        }

        foreach (var state in heads)
        {
            Add(state, JournalKind.Append, state.Durable!.Head + 1, state.Next!.Head);
        }
    }

    public void Clear()
    {
        _replaced.Clear();
        _entries.Clear();
        _all.Clear();
    }
}
