using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>All rooms and inboxes, and which rooms each account is in: an index in memory, which writes nothing.</summary>
/// <remarks>
/// <para>Each change has a class of its own, which writes first, then changes this, then tells every connection: <see cref="RoomOpening"/>,
/// <see cref="RoomMaking"/>, <see cref="RoomMembers"/>, <see cref="RoomInvitations"/>, <see cref="RoomActs"/> and
/// <see cref="RoomEndings"/>. Their order is that of <see cref="ChangeTurns"/>.</para>
/// Thread-safe: read without a lock, but for the index by account, which <c>_gate</c> guards, a leaf lock.
/// </remarks>
internal sealed class RoomDirectory(
    IEventLog log,
    IUnreadListeners unread,
    AccountDirectory accounts,
    ConversationNames names,
    StorageQuotas quotas,
    DiskSpace space,
    TimeProvider time,
    DeliveryTimes? times = null,
    GuestAddresses? addresses = null,
    HereRecords? here = null,
    ITurns? nodeTurns = null)
{
    private readonly ConcurrentDictionary<string, Room> _rooms = new();
    private readonly ConcurrentDictionary<string, Room> _byKey = new();
    private readonly ConcurrentDictionary<string, Inbox> _inboxes = new();
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());

    // Rooms that each account is in, or has without being in it.
    private readonly Dictionary<string, List<Room>> _roomsOfAccount = [];
    private int _comings;

    public IEnumerable<Room> All => _rooms.Values;

    /// <summary>How many rooms have come and gone since the start.</summary>
    public int Comings => Volatile.Read(ref _comings);

    /// <summary>Which messages accounts were told of.</summary>
    public NoticeIndexes Notices { get; } = new();

    public Room? Find(string id) => _rooms.GetValueOrDefault(id);

    /// <param name="key">See <see cref="RoomRecord"/>.</param>
    public Room? FindByKey(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>These ASCII letters as a string: the key of a room, if there is one of it.</summary>
    public string KeyOf(ReadOnlySpan<byte> key)
    {
        Span<char> letters = stackalloc char[key.Length];
        Encoding.ASCII.GetChars(key, letters);
        return _byKey.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(letters, out var room) ? room.Key : new string(letters);
    }

    /// <summary>The room, if the account may know that it exists.</summary>
    public Room? FindVisible(string id, string accountId) => Find(id) is { } room && RoomPolicy.MaySee(room, accountId) ? room : null;

    /// <summary>The rooms that a filter is about: the one it names, or all that the account is a member of.</summary>
    public Room[] CoveredBy(RoomFilter filter, string accountId) => filter.IsOfServer ? [] : filter.Room is { } id
        ? (Find(id) is { } room ? [room] : [])
        : RoomsOf(accountId);

    public Room[] RoomsOf(string accountId)
    {
        lock (_gate)
        {
            return _roomsOfAccount.TryGetValue(accountId, out var rooms) ? [.. rooms.Where(room => room.IsMember(accountId))] : [];
        }
    }

    /// <summary>The rooms that the account has, those included that it is not on the list of.</summary>
    public List<Room> OwnedBy(string accountId)
    {
        lock (_gate)
        {
            return _roomsOfAccount.TryGetValue(accountId, out var rooms) ? [.. rooms.Where(room => room.OwnerId == accountId)] : [];
        }
    }

    /// <summary>Null: no client of the account has asked for it yet, and nobody has written to it.</summary>
    public Inbox? FindInbox(string accountId) => _inboxes.GetValueOrDefault(accountId);

    public Inbox InboxOf(Account account) => _inboxes.GetOrAdd(
        account.Id,
        static (_, of) => new Inbox(
            of.account, of.log, of.directory.ListeningChanged, of.directory.FindByKey, of.directory.Notices, of.names,
            of.unread.ConversationChanged),
        (account, log, names, unread, directory: this));

    /// <summary>Takes a publish topic apart. Null: no topic of ours.</summary>
    /// <param name="mount">Id of the room that is the client's whole world; null: it has no mount.</param>
    public PublishTarget? Resolve(string topic, string? mount = null)
    {
        if (mount is not null)
        {
            return DataTopic.IsValid(topic) ? PublishTarget.OfData(topic, mount, topic, Find(mount)) : null;
        }

        if (!RoomTopic.TryParse(topic, out var parsed))
        {
            return null;
        }

        if (parsed.Kind == TopicKind.Data)
        {
            var below = topic[$"rooms/{parsed.Name}/{DataTopic.Level}/".Length..];
            return DataTopic.IsValid(below) ? PublishTarget.OfData(topic, parsed.Name, below, Find(parsed.Name)) : null;
        }

        if (parsed.Kind is not (TopicKind.Inbox or TopicKind.Read or TopicKind.Unread or TopicKind.Notices or TopicKind.ConversationTyping))
        {
            return PublishTarget.OfRoom(topic, parsed, Find(parsed.Name));
        }

        var recipient = accounts.FindByUserName(parsed.Name);
        if (parsed is { Kind: TopicKind.Read, ReadRoom: { } room })
        {
            return PublishTarget.OfRead(topic, parsed, Find(room), null, recipient);
        }

        if (parsed is { Kind: TopicKind.Read, With: { } with })
        {
            var other = accounts.FindByUserName(with);
            return PublishTarget.OfReadWith(topic, parsed, recipient is null || other is not { IsErased: false } ? null : InboxOf(recipient).With(other), recipient);
        }

        if (parsed.Kind == TopicKind.Read)
        {
            return PublishTarget.OfRead(topic, parsed, null, recipient is null ? null : InboxOf(recipient), recipient);
        }

        return PublishTarget.OfInbox(topic, parsed, recipient is null ? null : InboxOf(recipient), recipient);
    }

    /// <summary>The room that is stored like this; nobody finds it before <see cref="Enter"/>.</summary>
    public Room Build(RoomRecord record) => new(record, log, quotas, space, time, times, addresses, here, nodeTurns);

    public void Enter(Room room)
    {
        _byKey[room.Key] = room;
        _rooms[room.Id.Value] = room;
        Interlocked.Increment(ref _comings);
    }

    /// <summary>Nobody finds the room any more. Its list is the caller's to undo.</summary>
    public void Remove(Room room)
    {
        _rooms.TryRemove(room.Id.Value, out _);
        _byKey.TryRemove(room.Key, out _);
        Interlocked.Increment(ref _comings);
    }

    /// <summary>The account is on the room's list.</summary>
    public void AddMember(Room room, string accountId, Membership membership)
    {
        room.AddMember(accountId, membership);
        Remember(room, accountId);
        unread.Joined(room, accountId);
    }

    /// <summary>The account is on the room's list no more. The room stays among its own, if it has it.</summary>
    public void RemoveMember(Room room, string accountId)
    {
        room.RemoveMember(accountId);
        lock (_gate)
        {
            if (room.OwnerId != accountId
                && _roomsOfAccount.TryGetValue(accountId, out var rooms)
                && rooms.Remove(room)
                && rooms.Count == 0)
            {
                _roomsOfAccount.Remove(accountId);
            }
        }
    }

    /// <summary>The account has the room, and who had it before has it no more. Also on the log thread.</summary>
    public void BelongTo(Room room, string accountId)
    {
        var former = room.OwnerId;
        room.BelongTo(accountId);
        Remember(room, accountId);
        if (former is not null && !room.IsMember(former))
        {
            RemoveMember(room, former);
        }
    }

    /// <summary>Whoever still holds the inbox appends nothing to it from here on, so its end in the log is the end.</summary>
    public void CloseInbox(string accountId)
    {
        if (_inboxes.TryRemove(accountId, out var inbox))
        {
            inbox.Close();
        }
    }

    private void Remember(Room room, string accountId)
    {
        lock (_gate)
        {
            if (!_roomsOfAccount.TryGetValue(accountId, out var rooms))
            {
                _roomsOfAccount[accountId] = rooms = [];
            }

            if (!rooms.Contains(room))
            {
                rooms.Add(room);
            }
        }
    }

    // Under the inbox's gate.
    private void ListeningChanged(Inbox inbox)
    {
        if (inbox.IsListening)
        {
            unread.Begin(inbox, this);
        }
        else
        {
            unread.End(inbox);
        }
    }
}
