namespace WebMessenger.Storage.EventLog;

/// <summary>The records as they will be when the batch that is being built is on disk: what conditions are judged against.</summary>
/// <remarks>
/// The log thread's own. Most batches have no condition, and cost nothing here:
/// what was put into the batch before the first one is gathered when that is met.
/// </remarks>
internal sealed class RecordOverlay
{
    private readonly Dictionary<byte[], byte[]?> _changed = new(new ByBytes());
    private bool _isUsed;

    /// <summary>Whether all hold, with what was decided to be stored of the batch so far.</summary>
    /// <param name="stored">Reads a record that the batch has not changed.</param>
    public bool Hold(IReadOnlyList<RecordCondition> conditions, ReadOnlySpan<PendingAppend> before, ReadOnlySpan<LogBatch.Decision> decisions, Func<byte[], byte[]?> stored)
    {
        if (conditions.Count == 0)
        {
            return true;
        }

        if (!_isUsed)
        {
            _isUsed = true;
            for (var i = 0; i < before.Length; i++)
            {
                if (decisions[i].Outcome is AppendOutcome.Stored)
                {
                    Add(before[i].Changes);
                }
            }
        }

        for (var i = 0; i < conditions.Count; i++)
        {
            var (key, wanted) = conditions[i];
            var found = /* guard: conditions see the batch so far */ _changed.TryGetValue(key, out var changed) ? changed : stored(key);
            if (/* guard: conditions on records */ found is null ? wanted is not null : wanted is null || !found.AsSpan().SequenceEqual(wanted))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>These changes are in the batch now.</summary>
    public void Put(IReadOnlyList<RecordChange> changes)
    {
        if (_isUsed)
        {
            Add(changes);
        }
    }

    public void Clear()
    {
        if (_isUsed)
        {
            _changed.Clear();
            _isUsed = false;
        }
    }

    private void Add(IReadOnlyList<RecordChange> changes)
    {
        for (var i = 0; i < changes.Count; i++)
        {
            _changed[changes[i].Key] = changes[i].Value;
        }
    }

    internal sealed class ByBytes : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(byte[] bytes)
        {
            HashCode hash = default;
            hash.AddBytes(bytes);
            return hash.ToHashCode();
        }
    }
}
