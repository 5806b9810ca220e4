using System.Collections.Concurrent;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// Which accounts listen to what is unread (`users/{user}/unread`), in which rooms, and which of these are due to be said.
/// </summary>
/// <remarks>
/// <para>Costs are with who listens: a room is watched while an account on its list listens, and one that is not watched notes nothing.
/// What is due is gathered and handed out once a second, to the inboxes concerned; their workers count and write.</para>
/// <para>Thread-safe. <c>_gate</c> guards who listens (docs/architecture.md, Locks).
/// What is due is noted without it, for the log thread, and whoever has just stored a position, do that and must not wait.</para>
/// </remarks>
internal sealed class UnreadWatch(ReadPositions positions, IgnoredPeople ignored) : IUnreadListeners
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, Listener> _listeners = [];

    // Each watched room is in here once at most, each inbox as often as it has rooms: so they are bounded by who listens.
    private readonly ConcurrentQueue<WatchedRoom> _grown = new();
    private readonly ConcurrentDictionary<(Inbox Inbox, Room? Room), bool> _due = new();

    // The same of conversations, by account id of the other.
    private readonly ConcurrentDictionary<(Inbox Inbox, string Other), bool> _dueConversations = new();

    public ReadPositions Positions => positions;

    /// <summary>The first client of an account listens.</summary>
    public void Begin(Inbox inbox, RoomDirectory rooms)
    {
        lock (_gate)
        {
            // Asked under the gate: a change of a list meanwhile waits for it before it is noted,
            // so none is missed and nothing is left behind.
            Listener listener = new(inbox);
            _listeners[inbox.Owner.Id] = listener;
            foreach (var room in rooms.RoomsOf(inbox.Owner.Id))
            {
                Add(listener, room);
            }
        }
    }

    /// <summary>The last client of an account has stopped listening.</summary>
    public void End(Inbox inbox)
    {
        lock (_gate)
        {
            if (_listeners.TryGetValue(inbox.Owner.Id, out var listener) && listener.Inbox == inbox)
            {
                _listeners.Remove(inbox.Owner.Id);
                foreach (var room in listener.Rooms)
                {
                    Remove(listener, room);
                }
            }
        }
    }

    /// <summary>The account is on the room's list from now on.</summary>
    public void Joined(Room room, string accountId)
    {
        lock (_gate)
        {
            if (_listeners.TryGetValue(accountId, out var listener))
            {
                Add(listener, room);
                _due[(listener.Inbox, room)] = true;
            }
        }
    }

    /// <summary>The account is not on the room's list any more. Its clients are told at once.</summary>
    public void Lost(Room room, string accountId, RoomLoss loss)
    {
        lock (_gate)
        {
            if (_listeners.TryGetValue(accountId, out var listener) && listener.Rooms.Remove(room))
            {
                Remove(listener, room);
                listener.Inbox.Enqueue(new UnreadLoss(this, room, loss));
            }
        }
    }

    /// <summary>Must not block: a position's gate is held.</summary>
    public void PositionChanged(Inbox inbox, Room room)
    {
        if (inbox.IsListening)
        {
            _due[(inbox, room)] = true;
        }
    }

    public void NoticeStored(Inbox inbox, Room room) => PositionChanged(inbox, room);

    public void ConversationChanged(Inbox inbox, string other)
    {
        if (inbox.IsListening && !ignored.Ignores(inbox.Owner.Id, other))
        {
            _dueConversations[(inbox, other)] = true;
        }
    }

    /// <summary>A client of the account could not be told all that it is to be told: its turn comes again with the next second.</summary>
    public void AgainLater(Inbox inbox) => _due[(inbox, null)] = true;

    /// <summary>The rooms of an account that listens, by name.</summary>
    public Room[] RoomsOf(Inbox inbox)
    {
        lock (_gate)
        {
            return _listeners.TryGetValue(inbox.Owner.Id, out var listener)
                ? [.. listener.Rooms.OrderBy(room => room.Id.Value, StringComparer.Ordinal)]
                : [];
        }
    }

    /// <summary>About once a second: gives each account that listens its turn, if something of its rooms has changed since.</summary>
    public void Sweep()
    {
        Dictionary<Inbox, UnreadDue> turns = [];
        lock (_gate)
        {
            // As many as there are now: a busy room is back before the last of them is looked at.
            for (var count = _grown.Count; count > 0 && _grown.TryDequeue(out var grown); count--)
            {
                grown.Looked();
                foreach (var inbox in grown.Listening)
                {
                    TurnOf(inbox).Rooms.Add(grown.Room);
                }
            }
        }

        foreach (var (due, _) in _due)
        {
            // Removed before it is looked at: what is noted from here on is another turn's.
            _due.TryRemove(due, out _);
            var turn = TurnOf(due.Inbox);
            if (due.Room is { } room)
            {
                turn.Rooms.Add(room);
            }
        }

        foreach (var (due, _) in _dueConversations)
        {
            _dueConversations.TryRemove(due, out _);
            TurnOf(due.Inbox).Conversations.Add(due.Other);
        }

        foreach (var (inbox, due) in turns)
        {
            inbox.Enqueue(new UnreadTurn(this, due));
        }

        UnreadDue TurnOf(Inbox inbox)
        {
            if (!turns.TryGetValue(inbox, out var due))
            {
                turns[inbox] = due = new UnreadDue([], []);
            }

            return due;
        }
    }

    // Under _gate.
    private void Add(Listener listener, Room room)
    {
        listener.Rooms.Add(room);
        ((WatchedRoom)(room.Watched ??= new WatchedRoom(room, _grown))).Listening.Add(listener.Inbox);
    }

    // Under _gate.
    private static void Remove(Listener listener, Room room)
    {
        if (room.Watched is WatchedRoom watched && watched.Listening.Remove(listener.Inbox) && watched.Listening.Count == 0)
        {
            room.Watched = null;
        }
    }

    private sealed record Listener(Inbox Inbox)
    {
        public HashSet<Room> Rooms { get; } = [];
    }
}

/// <summary>What of an account has changed since its last turn: rooms, and conversations by account id of the other.</summary>
internal sealed record UnreadDue(HashSet<Room> Rooms, HashSet<string> Conversations);

/// <summary>A room that somebody on its list listens to.</summary>
internal sealed class WatchedRoom(Room room, ConcurrentQueue<WatchedRoom> grown) : IRoomWatch
{
    private int _hasChanged;

    public Room Room => room;

    /// <summary>The inboxes of those who listen. Under the gate of <see cref="UnreadWatch"/>.</summary>
    public HashSet<Inbox> Listening { get; } = [];

    /// <summary>Its log has grown. Never blocks: the log thread calls it.</summary>
    public void Changed()
    {
        if (Volatile.Read(ref _hasChanged) == 0 && Interlocked.Exchange(ref _hasChanged, 1) == 0)
        {
            grown.Enqueue(this);
        }
    }

    /// <summary>What is stored from here on is a change anew.</summary>
    public void Looked() => Interlocked.Exchange(ref _hasChanged, 0);
}
