namespace WebMessenger.Storage.EventLog;

/// <summary>What batches did, gathered for whoever reads the logs that they tell of.</summary>
public static class JournalStretches
{
    /// <summary>
    /// All changes, log by log, each log's in the order in which they happened; what was appended one after the other is one stretch.
    /// So a busy log is read once, and not once for each batch that it had a part in.
    /// </summary>
    public static IEnumerable<LogChange> ByLog(this IReadOnlyList<JournalBatch> batches)
    {
        Dictionary<LogName, List<LogChange>> logs = [];
        List<List<LogChange>> all = [];
        foreach (var batch in batches)
        {
            foreach (var change in batch.Changes)
            {
                if (!logs.TryGetValue(change.Log, out var known))
                {
                    all.Add(logs[change.Log] = known = []);
                }

                if (change.Kind == JournalKind.Append && known is [.., { Kind: JournalKind.Append } last] && last.To == change.From - 1)
                {
                    known[^1] = last with { To = change.To };
                }
                else
                {
                    known.Add(change);
                }
            }
        }

        return all.SelectMany(changes => changes);
    }
}
