using WebMessenger.Broker.MqttSessions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <summary>Which event a durable client was sent under each packet id. Guarded by the connection's write lock.</summary>
internal sealed class UnacknowledgedEvents
{
    private Entry[] _entries = [];
    private long _sent;

    /// <param name="givenUp">See <see cref="UnacknowledgedEvent"/>.</param>
    public void Add(ushort packetId, LogName log, long seq, string? givenUp = null)
    {
        if (packetId > _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(packetId, Math.Max(64, _entries.Length * 2)));
        }

        _entries[packetId - 1] = new Entry(log, seq, ++_sent, givenUp);
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

    /// <summary>
    /// The client has unsubscribed: what it was sent is still to be completed, in that epoch. What tells it to begin anew is not.
    /// </summary>
    public void GiveUp(LogName log, string epoch)
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Order > 0 && entry.Log == log)
            {
                entry = entry.Seq == 0 ? default : entry with { GivenUp = entry.GivenUp ?? epoch };
            }
        }
    }

    /// <summary>In the order they were sent.</summary>
    public List<UnacknowledgedEvent> ToList() =>
        [.. _entries.Index().Where(entry => entry.Item.Order > 0).OrderBy(entry => entry.Item.Order)
            .Select(entry => new UnacknowledgedEvent((ushort)(entry.Index + 1), entry.Item.Log, entry.Item.Seq, entry.Item.GivenUp))];

    private readonly record struct Entry(LogName Log, long Seq, long Order, string? GivenUp);
}
