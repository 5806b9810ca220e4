using WebMessenger.Broker.Events;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Which messages the newest notices of an account are about: read when it is asked, and kept up to date while it is among those that
/// were asked last (<see cref="NoticeIndexes"/>).
/// </summary>
/// <remarks>
/// Thread-safe. The log is never read under the lock. What is added and removed while it is read is in it as well.
/// What cannot be read is left out: one damaged message hides itself, and no count of all others.
/// </remarks>
internal sealed class NoticeIndex(NoticeStream stream, IEventLog log, NoticeIndexes all)
{
    /// <summary>As many are counted; the log itself has hardly more.</summary>
    public const int Most = 1_000;

    private const int ReadAtOnce = 250;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private Content? _content;
    private int _changes;

    /// <summary>Account id.</summary>
    public string OwnerId => stream.Owner.Id;

    /// <summary>How many messages of a room above a seq name or answer the account.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public int CountAfter(string roomKey, long seq) => Ask(content => content.CountAfter(roomKey, seq));

    /// <summary>What those after a seq of the notices are about.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public IReadOnlyList<NoticedMessage> After(long seq) => Ask(content => content.After(seq));

    /// <summary>
    /// Of those after a seq of the notices that are about no message, but about what was done to the account: the key of the room of each,
    /// which may have ended since.
    /// </summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public IReadOnlyList<string> ActsAfter(long seq) => Ask(content => content.ActsAfter(seq));

    /// <summary>A notice is stored. Never blocks: the log thread calls it.</summary>
    public void Add(long seq, NoticeId id)
    {
        List<NoticeIndex> over = [];
        lock (_gate)
        {
            _changes++;
            if (id.IsOfAct)
            {
                _content?.AddAct(seq, id.RoomKey);
            }
            else if (_content is { } content)
            {
                over = all.Add(this, content.Add(seq, new NoticedMessage(id.RoomKey, id.Of)) is { } added ? [added] : []);
                while (content.Count > Most)
                {
                    all.Remove(this, content.RemoveOldest() is { } removed ? [removed] : []);
                }
            }
        }

        over.ForEach(index => index.LetGo());
    }

    /// <summary>A message is there no more. False: none of these was about it, as far as is known.</summary>
    public bool Remove(NoticedMessage message)
    {
        lock (_gate)
        {
            _changes++;
            if (_content?.Remove(message) != true)
            {
                return false;
            }

            all.Remove(this, [message]);
            return true;
        }
    }

    /// <summary>Another node has stored notices: they are read when it is asked next. Never blocks.</summary>
    public void ReadAgain()
    {
        lock (_gate)
        {
            _changes++;
        }

        LetGo();
    }

    /// <summary>It is read anew when it is asked next.</summary>
    public void LetGo()
    {
        lock (_gate)
        {
            if (_content is { } content)
            {
                all.LetGo(this, content.Messages);
                _content = null;
            }
        }
    }

    private T Ask<T>(Func<Content, T> ask)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_content is { } content)
                {
                    all.Use(this);
                    return ask(content);
                }
            }

            Load();
        }
    }

    private void Load()
    {
        List<NoticeIndex> over;
        all.Loads(this);
        try
        {
            while (!TryLoad(out over))
            {
                // Something was added or removed meanwhile.
            }
        }
        finally
        {
            all.HasLoaded(this);
        }

        over.ForEach(index => index.LetGo());
    }

    private bool TryLoad(out List<NoticeIndex> over)
    {
        int changes;
        over = [];
        lock (_gate)
        {
            if (_content is not null)
            {
                return true;
            }

            changes = _changes;
        }

        var content = Read();
        lock (_gate)
        {
            if (changes != _changes || _content is not null)
            {
                return _content is not null;
            }

            _content = content;
            over = all.Add(this, content.Messages);
            return true;
        }
    }

    private Content Read()
    {
        Content content = new();
        try
        {
            var head = log.Head(stream.Log).Head;
            for (var last = Math.Max(0, head - Most); last < head;)
            {
                var page = log.ReadReadable(stream.Log, last, ReadAtOnce, out _);
                foreach (var entry in page)
                {
                    if (NoticeId.TryParse(EventBody.IdOf(entry.Body.Span)) is not { } id || !stream.IsLine(entry))
                    {
                        continue;
                    }

                    if (id.IsOfAct)
                    {
                        content.AddAct(entry.Seq, stream.KeyOf(id.RoomKey));
                    }
                    else
                    {
                        content.Add(entry.Seq, new NoticedMessage(stream.KeyOf(id.RoomKey), id.Of));
                    }
                }

                last = page.Count > 0 ? Math.Max(page[^1].Seq, last + 1) : last + ReadAtOnce;
            }
        }
        catch (LogDamagedException)
        {
            // Not even its head can be read: nobody knows of any. The log tells the operator.
        }

        return content;
    }

    /// <summary>Under the gate.</summary>
    private sealed class Content
    {
        // In the order of the notices.
        private readonly List<(long Seq, NoticedMessage About)> _notices = [];

        // In their order.
        private readonly List<(long Seq, string RoomKey)> _acts = [];

        // By the key of a room, each message once and in order.
        private readonly Dictionary<string, List<long>> _ofRooms = [];

        public int Count => _notices.Count;

        public IEnumerable<NoticedMessage> Messages => _ofRooms.SelectMany(room => room.Value.Select(of => new NoticedMessage(room.Key, of)));

        public int CountAfter(string roomKey, long seq)
        {
            if (!_ofRooms.TryGetValue(roomKey, out var messages))
            {
                return 0;
            }

            var at = messages.BinarySearch(seq + 1);
            return messages.Count - (at >= 0 ? at : ~at);
        }

        public IReadOnlyList<string> ActsAfter(long seq) => [.. _acts.Where(act => act.Seq > seq).Select(act => act.RoomKey)];

        /// <summary>One that is known already is passed over.</summary>
        public void AddAct(long seq, string roomKey)
        {
            if (_acts is [.., var last] && last.Seq >= seq)
            {
                return;
            }

            _acts.Add((seq, roomKey));
            if (_acts.Count > Most)
            {
                _acts.RemoveAt(0);
            }
        }

        public IReadOnlyList<NoticedMessage> After(long seq) => [.. _notices.Where(notice => notice.Seq > seq).Select(notice => notice.About)];

        /// <summary>Null: there was a notice of that message before, or this one is known.</summary>
        public NoticedMessage? Add(long seq, NoticedMessage message)
        {
            if (_notices is [.., var last] && last.Seq >= seq)
            {
                return null;
            }

            _notices.Add((seq, message));
            if (!_ofRooms.TryGetValue(message.RoomKey, out var messages))
            {
                _ofRooms[message.RoomKey] = messages = [];
            }

            var at = messages.BinarySearch(message.Of);
            if (at >= 0)
            {
                return null;
            }

            messages.Insert(~at, message.Of);
            return message;
        }

        public bool Remove(NoticedMessage message)
        {
            if (_notices.RemoveAll(notice => notice.About == message) == 0)
            {
                return false;
            }

            RemoveMessage(message);
            return true;
        }

        /// <summary>Null: another notice is about the same message.</summary>
        public NoticedMessage? RemoveOldest()
        {
            var oldest = _notices[0].About;
            _notices.RemoveAt(0);
            if (_notices.Exists(notice => notice.About == oldest))
            {
                return null;
            }

            RemoveMessage(oldest);
            return oldest;
        }

        private void RemoveMessage(NoticedMessage message)
        {
            var messages = _ofRooms[message.RoomKey];
            messages.Remove(message.Of);
            if (messages.Count == 0)
            {
                _ofRooms.Remove(message.RoomKey);
            }
        }
    }
}
