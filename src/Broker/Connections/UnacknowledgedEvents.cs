using WebMessenger.Broker.Durable;
using WebMessenger.Broker.Log;

namespace WebMessenger.Broker.Connections;

/// <summary>Which event a durable client was sent under each packet id. Guarded by the connection's write lock.</summary>
internal sealed class UnacknowledgedEvents
{
    private Entry[] _entries = [];
    private long _sent;

    public void Add(ushort packetId, LogName log, long seq)
    {
        if (packetId > _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(packetId, Math.Max(64, _entries.Length * 2)));
        }

        _entries[packetId - 1] = new Entry(log, seq, ++_sent);
    }

    public void Remove(ushort packetId)
    {
        if (packetId <= _entries.Length)
        {
            _entries[packetId - 1] = default;
        }
    }

    public void Forget(LogName log)
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Order > 0 && entry.Log == log)
            {
                entry = default;
            }
        }
    }

    /// <summary>In the order they were sent.</summary>
    public List<UnacknowledgedEvent> ToList() =>
        [.. _entries.Index().Where(entry => entry.Item.Order > 0).OrderBy(entry => entry.Item.Order)
            .Select(entry => new UnacknowledgedEvent((ushort)(entry.Index + 1), entry.Item.Log, entry.Item.Seq))];

    private readonly record struct Entry(LogName Log, long Seq, long Order);
}
