using WebMessenger.Storage;

namespace WebMessenger.Broker.Rooms;

/// <summary>A message that a notice is about.</summary>
/// <param name="RoomKey">See <see cref="RoomRecord"/>.</param>
internal readonly record struct NoticedMessage(string RoomKey, long Of);

/// <summary>
/// The indexes of notices that are in memory, those of the accounts that were asked about last; and by message who was told of it, so
/// that a deletion costs as much as it has named.
/// </summary>
/// <remarks>
/// Thread-safe; reads no disk. <c>_gate</c> is a leaf: it is taken under the gate of one index.
/// </remarks>
internal sealed class NoticeIndexes(int most = NoticeIndexes.MostMessages)
{
    /// <summary>So many messages are held in all, some 110 bytes each: 11 MB.</summary>
    private const int MostMessages = 100_000;

    /// <summary>What an index takes beside its messages, as so many of them: nobody holds a million empty ones.</summary>
    private const int Own = 16;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<NoticeIndex, LinkedListNode<Held>> _held = [];

    // The one that was asked last comes first.
    private readonly LinkedList<Held> _byUse = [];
    private readonly Dictionary<NoticedMessage, NoticeIndex[]> _told = [];

    // Once for each reader: what is deleted meanwhile, it may have read before.
    private readonly List<NoticeIndex> _loading = [];
    private long _messages;

    /// <summary>How many messages are held just now.</summary>
    public long Messages
    {
        get
        {
            lock (_gate)
            {
                return _messages;
            }
        }
    }

    /// <summary>Whether the index of anybody may have the message. False: nobody in memory was told of it.</summary>
    public bool MayHave(NoticedMessage message)
    {
        lock (_gate)
        {
            return _loading.Count > 0 || _told.ContainsKey(message);
        }
    }

    /// <summary>A message is there no more. Returns the ids of those who had been told of it, as far as they are in memory.</summary>
    public List<string> Remove(NoticedMessage message)
    {
        NoticeIndex[] told;
        lock (_gate)
        {
            told = [.. _told.GetValueOrDefault(message, []), .. _loading];
        }

        return [.. told.Where(index => index.Remove(message)).Select(index => index.OwnerId)];
    }

    /// <summary>The index is being read from here on, until <see cref="HasLoaded"/>.</summary>
    public void Loads(NoticeIndex index)
    {
        lock (_gate)
        {
            _loading.Add(index);
        }
    }

    public void HasLoaded(NoticeIndex index)
    {
        lock (_gate)
        {
            _loading.Remove(index);
        }
    }

    /// <summary>Somebody asks it.</summary>
    public void Use(NoticeIndex index)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(index, out var node) && node != _byUse.First)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
        }
    }

    /// <summary>These are in the index from now on. Returns those that are to be let go, for there are too many.</summary>
    public List<NoticeIndex> Add(NoticeIndex index, IEnumerable<NoticedMessage> messages)
    {
        lock (_gate)
        {
            if (!_held.TryGetValue(index, out var node))
            {
                _held[index] = node = _byUse.AddFirst(new Held(index));
                _messages += Own;
            }

            foreach (var message in messages)
            {
                _told[message] = [.. _told.GetValueOrDefault(message, []), index];
                node.Value.Messages++;
                _messages++;
            }

            return Over(node);
        }
    }

    /// <summary>These are not in the index any more.</summary>
    public void Remove(NoticeIndex index, IEnumerable<NoticedMessage> messages)
    {
        lock (_gate)
        {
            RemoveAll(index, messages);
        }
    }

    /// <summary>The index is in memory no more, which had these.</summary>
    public void LetGo(NoticeIndex index, IEnumerable<NoticedMessage> messages)
    {
        lock (_gate)
        {
            RemoveAll(index, messages);
            if (_held.Remove(index, out var node))
            {
                _byUse.Remove(node);
                _messages -= Own;
            }
        }
    }

    // Under _gate. They go when they are told to: each under its own gate, which comes before this one.
    private List<NoticeIndex> Over(LinkedListNode<Held> but)
    {
        List<NoticeIndex> over = [];
        var left = _messages;
        for (var node = _byUse.Last; node is not null && left > most; node = node.Previous)
        {
            if (node != but)
            {
                over.Add(node.Value.Index);
                left -= node.Value.Messages + Own;
            }
        }

        return over;
    }

    // Under _gate.
    private void RemoveAll(NoticeIndex index, IEnumerable<NoticedMessage> messages)
    {
        foreach (var message in messages)
        {
            if (!_told.TryGetValue(message, out var told))
            {
                continue;
            }

            NoticeIndex[] left = [.. told.Where(one => one != index)];
            if (left.Length == 0)
            {
                _told.Remove(message);
            }
            else
            {
                _told[message] = left;
            }

            if (left.Length < told.Length && _held.TryGetValue(index, out var node))
            {
                node.Value.Messages--;
                _messages--;
            }
        }
    }

    private sealed class Held(NoticeIndex index)
    {
        public NoticeIndex Index => index;

        public int Messages { get; set; }
    }
}
