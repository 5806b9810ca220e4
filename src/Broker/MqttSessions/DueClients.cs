using System.Diagnostics.CodeAnalysis;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>Clients, each at most once, by when something of them is due: who asks sees none but those that are (fault R10).</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>. Times are ticks of whatever clock the caller keeps to.</remarks>
internal sealed class DueClients
{
    private static readonly Comparer<Entry> _soonestFirst = Comparer<Entry>.Create(static (one, other) =>
        one.Due != other.Due ? one.Due.CompareTo(other.Due) : one.Number.CompareTo(other.Number));

    private readonly SortedSet<Entry> _inOrder = new(_soonestFirst);
    private readonly Dictionary<DurableClient, Entry> _entries = [];
    private long _lastNumber;

    /// <summary>Takes the place of what was set for the client before.</summary>
    public void Set(DurableClient client, long due)
    {
        Remove(client);
        Entry entry = new(due, ++_lastNumber, client);
        _entries.Add(client, entry);
        _inOrder.Add(entry);
    }

    public void Remove(DurableClient client)
    {
        if (_entries.Remove(client, out var entry))
        {
            _inOrder.Remove(entry);
        }
    }

    /// <summary>The one that has been due for longest, which is here no more.</summary>
    public bool TryTake(long now, [NotNullWhen(true)] out DurableClient? client)
    {
        client = _entries.Count > 0 && _inOrder.Min is var first && first.Due <= now ? first.Client : null;
        if (client is not null)
        {
            Remove(client);
        }

        return client is not null;
    }

    private readonly record struct Entry(long Due, long Number, DurableClient Client);
}
