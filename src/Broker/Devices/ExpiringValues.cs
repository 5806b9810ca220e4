namespace WebMessenger.Broker.Devices;

/// <summary>Which values of a room expire, by when.</summary>
/// <remarks>
/// Guarded by the lock of its <see cref="RetainedValues"/>. A value that was set again or cleared keeps its place until it comes up, or
/// until there are more of such than of others.
/// </remarks>
internal sealed class ExpiringValues
{
    private const int LookedThroughFrom = 1024;

    private readonly PriorityQueue<RetainedNode, long> _byEnd = new();
    private int _mostBeforeLook = LookedThroughFrom;

    public int Count => _byEnd.Count;

    /// <summary>A node has a value.</summary>
    public void Put(RetainedNode node, byte[] record)
    {
        if (RetainedRecord.ExpiryOf(record) is not { } end)
        {
            return;
        }

        if (/* guard: memory: values that are set again before they expire */ _byEnd.Count >= _mostBeforeLook)
        {
            var valid = _byEnd.UnorderedItems.Where(item => IsOf(item.Element, item.Priority)).ToList();
            _byEnd.Clear();
            _byEnd.EnqueueRange(valid);
            _byEnd.TrimExcess();
            _mostBeforeLook = Math.Max(LookedThroughFrom, valid.Count * 2);
        }

        _byEnd.Enqueue(node, end);
    }

    /// <summary>Takes out one that has expired.</summary>
    /// <param name="now">Milliseconds since 1970.</param>
    public RetainedNode? TakeDue(long now)
    {
        while (_byEnd.TryPeek(out var node, out var end) && end <= now)
        {
            _byEnd.Dequeue();
            if (IsOf(node, end))
            {
                return node;
            }
        }

        return null;
    }

    public void Clear()
    {
        _byEnd.Clear();
        _byEnd.TrimExcess();
        _mostBeforeLook = LookedThroughFrom;
    }

    private static bool IsOf(RetainedNode node, long end) => node.Value is { } record && RetainedRecord.ExpiryOf(record) == end;
}
