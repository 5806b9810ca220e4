using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What became of a change to a room.</summary>
internal enum RoomChange
{
    Done,
    NotFound,
    NotAllowed,
    NotOwner,
    IdTaken,
    TooMany,
    TriedTooOften,
    IsDefault,

    /// <summary>Nobody is on a list by it: who was asked may come, if there is anybody of that name.</summary>
    Invited,
}

/// <summary>All rooms and inboxes, and the only place that changes rooms and their lists: first on disk, then in memory, then for every connection.</summary>
/// <remarks>
/// Changes are made one at a time under <c>_changes</c>, where rights are looked at again: what a caller saw before may have changed while it waited. The memory
/// they change is read without a lock. <c>_gate</c> guards the index by account and is a leaf lock.
/// In other files: who is asked into rooms, and what happens when rooms and accounts end.
/// </remarks>
internal sealed partial class RoomDirectory(
    RoomStore store,
    IEventLog log,
    INodes nodes,
    IReadMarks positions,
    IUnreadListeners unread,
    AccountDirectory accounts,
    AccessTokens tokens,
    IRoomClients clients,
    IKeptClients kept,
    BrokerSettings settings,
    StorageQuotas quotas,
    DiskSpace space,
    TimeProvider time,
    ILogger<RoomDirectory> logger) : IDisposable
{
    private readonly ConcurrentDictionary<string, Room> _rooms = new();
    private readonly ConcurrentDictionary<string, Room> _byKey = new();
    private readonly ConcurrentDictionary<string, Inbox> _inboxes = new();
    private readonly SemaphoreSlim _changes = new(1, 1);
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, HashSet<Room>> _roomsOfAccount = [];
    private readonly DailyBudget _tries = new(settings.Limits.RoomTriesPerDay, time, isStored: false);

    public IEnumerable<Room> All => _rooms.Values;

    /// <summary>The disk is nearly full: nobody is put on a list.</summary>
    public bool TakesNobody => space.IsLow;

    /// <summary>Reads the rooms and makes those that the settings name. Before anything is served.</summary>
    public async Task OpenAsync()
    {
        var stored = await store.LoadAsync();
        foreach (var record in stored.Rooms)
        {
            Enter(new Room(record, log, nodes, quotas, space, time));
        }

        foreach (var (key, accountId) in stored.Members)
        {
            if (_byKey.TryGetValue(key, out var room) && accounts.Find(accountId) is not null)
            {
                Index(room, accountId);
            }
        }

        await RestoreInvitationsAsync(stored);
        await FinishEndingsAsync(stored);
        foreach (var id in settings.DefaultRooms)
        {
            if (!_rooms.ContainsKey(id.Value))
            {
                var title = char.ToUpperInvariant(id.Value[0]) + id.Value[1..];
                var record = new RoomRecord(RoomStore.NewKey(), id, title, "", false, null, time.GetUtcNow());
                Enter(await MakeAsync(record, firstMember: null));
            }
        }
    }

    public Room? Find(string id) => _rooms.GetValueOrDefault(id);

    /// <param name="key">See <see cref="RoomRecord"/>.</param>
    public Room? FindByKey(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>The room, if the account may know that it exists.</summary>
    public Room? FindVisible(string id, string accountId) => Find(id) is { } room && room.IsVisibleTo(accountId) ? room : null;

    /// <summary>The rooms that a filter is about: the one it names, or all that the account is a member of.</summary>
    public Room[] CoveredBy(RoomFilter filter, string accountId) => filter.Room is { } id
        ? (Find(id) is { } room ? [room] : [])
        : RoomsOf(accountId);

    public Room[] RoomsOf(string accountId)
    {
        lock (_gate)
        {
            return _roomsOfAccount.TryGetValue(accountId, out var rooms) ? [.. rooms] : [];
        }
    }

    /// <summary>Null: no client of the account has asked for it yet, and nobody has written to it.</summary>
    public Inbox? FindInbox(string accountId) => _inboxes.GetValueOrDefault(accountId);

    public Inbox InboxOf(Account account) => _inboxes.GetOrAdd(
        account.Id, static (_, of) => new Inbox(of.account, of.log, of.nodes, of.directory.ListeningChanged),
        (account, log, nodes, directory: this));

    /// <summary>Takes a publish topic apart. Null: no topic of ours.</summary>
    public PublishTarget? Resolve(string topic)
    {
        if (!RoomTopic.TryParse(topic, out var parsed))
        {
            return null;
        }

        if (parsed.Kind is not (TopicKind.Inbox or TopicKind.Read or TopicKind.Unread))
        {
            return PublishTarget.OfRoom(topic, parsed, Find(parsed.Name));
        }

        var recipient = accounts.FindByUserName(parsed.Name);
        if (parsed is { Kind: TopicKind.Read, ReadRoom: { } room })
        {
            return PublishTarget.OfRead(topic, parsed, Find(room), null, recipient);
        }

        if (parsed.Kind == TopicKind.Read)
        {
            return PublishTarget.OfRead(topic, parsed, null, recipient is null ? null : InboxOf(recipient), recipient);
        }

        return PublishTarget.OfInbox(topic, parsed, recipient is null ? null : InboxOf(recipient), recipient);
    }

    /// <summary>Hands a publish to the log that its topic leads to. False: the room was deleted meanwhile.</summary>
    /// <param name="moreFollows">See <see cref="IEventLog.Append"/>.</param>
    public static bool TryStore(PublishTarget target, PendingAppend append, bool moreFollows = false) =>
        target.Room is { } room ? room.TryAppend(append, moreFollows) : target.Inbox!.TryAppend(append, moreFollows);

    /// <summary>Makes a room. Whether its id is taken is told to who may make one more, and costs a try, so that nobody goes through the private ones (fault S8).</summary>
    /// <exception cref="IOException">It, or the end of the room that had the id before, could not be stored.</exception>
    public async Task<RoomChange> CreateAsync(RoomId id, string title, string topic, bool isPrivate, Account owner)
    {
        if (_former.TryGetValue(id.Value, out var former) && former.IsEnding && MayTake(former, owner))
        {
            await FinishRoomAsync(id.Value);
        }

        await positions.LoadAsync(owner);
        await _changes.WaitAsync();
        try
        {
            if (owner.IsErased)
            {
                return RoomChange.NotAllowed;
            }

            if (settings.Limits.RoomsPerAccount is > 0 and var limit && _rooms.Values.Count(room => room.Record.OwnerId == owner.Id) >= limit)
            {
                return RoomChange.TooMany;
            }

            // Kept also when the room cannot be stored, by which its id is told to be free: while the disk fails ids would cost nothing.
            if (/* guard: room ids that are tried */ !_tries.TryTake(owner.Id))
            {
                return RoomChange.TriedTooOften;
            }

            if (_rooms.ContainsKey(id.Value) || (_former.TryGetValue(id.Value, out former) && (former.IsEnding || /* guard: the id of a deleted room */ !MayTake(former, owner))))
            {
                return RoomChange.IdTaken;
            }

            var record = new RoomRecord(RoomStore.NewKey(), id, title, topic, isPrivate, owner.Id, time.GetUtcNow());
            var room = await MakeAsync(record, owner.Id);
            await room.OpenAsync();
            Index(room, owner.Id);
            Enter(room);
            await positions.BeginAsync(owner, room);
            clients.Place(owner.Id, room, replay: true);
            kept.RoomJoined(owner.Id, room);
            return RoomChange.Done;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>How long an account that has tried too many ids waits for the next.</summary>
    public TimeSpan WaitForNextTry(Account account) => _tries.WaitOf(account.Id);

    /// <param name="title">Null: stays as it is; so for the others.</param>
    public async Task<RoomChange> ChangeAsync(Room room, string? title, string? topic, bool? isPrivate, Account by)
    {
        await _changes.WaitAsync();
        try
        {
            if (room.IsDeleted || !MayManage(room, by))
            {
                // Stored now, a deleted room would be there again after the next start.
                return room.IsDeleted ? RoomChange.NotFound : RoomChange.NotAllowed;
            }

            var record = room.Record;
            if (isPrivate == false && record.IsPrivate && /* guard: only its owner opens a private room */ record.OwnerId != by.Id)
            {
                return RoomChange.NotOwner;
            }

            if (isPrivate == true && settings.DefaultRooms.Contains(record.Id))
            {
                return RoomChange.IsDefault;
            }

            record = record with { Title = title ?? record.Title, Topic = topic ?? record.Topic, IsPrivate = isPrivate ?? record.IsPrivate };
            await store.SaveAsync(record, null);
            room.Change(record);
            return RoomChange.Done;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>
    /// Puts an account on a room's list, which uses up its invitation. A guest's place in a public room is not stored: it ends with the guest.
    /// </summary>
    /// <param name="byItself">The account comes by itself, which it may into a public room, its own, and one that it is invited into.</param>
    public async Task JoinAsync(Room room, Account account, bool byItself = false)
    {
        Task begun;
        await positions.LoadAsync(account);
        await room.OpenAsync();
        await _changes.WaitAsync();
        try
        {
            // Looked at anew under the gate: the room may have become private, or the account been erased, since the caller looked.
            if (room.IsMember(account.Id) || room.IsDeleted || account.IsErased || (byItself && /* guard: who comes into a room is looked at again */ !MayEnter(room, account)))
            {
                return;
            }

            if (!account.IsGuest || room.Record.IsPrivate)
            {
                await store.AddMemberAsync(room.Key, account.Id, time.GetUtcNow());
            }
            else if (_invitations.Find(room.Key, account.Id) is { } usedUp)
            {
                await store.RemoveInvitationsAsync([usedUp]);
            }

            _invitations.Remove(room.Key, account.Id);
            Index(room, account.Id);
            begun = positions.BeginAsync(account, room);
        }
        finally
        {
            _changes.Release();
        }

        await begun;
        clients.Place(account.Id, room, replay: true);
        kept.RoomJoined(account.Id, room);
    }

    /// <summary>
    /// Takes an account off a room's list. When it completes, none of the account's clients hears the room, and nothing that the account said there is still to be stored.
    /// </summary>
    /// <param name="byItself">The account leaves; else somebody takes it off, and it is told so.</param>
    public async Task LeaveAsync(Room room, Account account, bool byItself = false)
    {
        Task forgotten;
        await _changes.WaitAsync();
        try
        {
            clients.Removed(account.Id, room);
            await store.RemoveMemberAsync(room.Key, account.Id);
            room.RemoveMember(account.Id);
            lock (_gate)
            {
                Unindex(room, account.Id);
            }

            unread.Lost(room, account.Id, byItself ? RoomLoss.Left : RoomLoss.Removed);
            forgotten = positions.ForgetAsync(account, room);
        }
        finally
        {
            _changes.Release();
        }

        // guard: a removed member leaves its place
        clients.Place(account.Id, room, replay: false);
        await /* guard: a kick is answered when what has a number is on disk */ log.SettleAsync();
        await kept.RoomLostAsync(account.Id, room);
        await forgotten;
    }

    /// <summary>The owner of a room and administrators may change it and its list.</summary>
    public static bool MayManage(Room room, Account account) => account.Profile.IsAdministrator || room.Record.OwnerId == account.Id;

    /// <summary>Nobody waits for an account that was signed out when its last client had gone a moment before.</summary>
    public void SignedOut(Account account)
    {
        if (clients.IsConnected(account.Id))
        {
            return;
        }

        foreach (var room in RoomsOf(account.Id))
        {
            room.EndGrace(account.Id);
        }
    }

    /// <summary>Shows an account under its new names; filters on its old inbox end.</summary>
    public void Renamed(Account account, string oldUserName)
    {
        foreach (var room in RoomsOf(account.Id))
        {
            room.Rename(account);
        }

        if (oldUserName != account.UserName)
        {
            clients.InboxRenamed(account.Id, oldUserName);
        }
    }

    public void Dispose() => _changes.Dispose();

    private async Task<Room> MakeAsync(RoomRecord record, string? firstMember)
    {
        // Its log is empty whatever a deletion that was cut short has left behind: nobody has had its key (fault R13).
        var room = new Room(await store.SaveAsync(record, firstMember), log, nodes, quotas, space, time);
        _former.TryRemove(record.Id.Value, out _);
        return room;
    }

    private void Enter(Room room)
    {
        _byKey[room.Key] = room;
        _rooms[room.Id.Value] = room;
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

    private void Index(Room room, string accountId)
    {
        room.AddMember(accountId);
        lock (_gate)
        {
            if (!_roomsOfAccount.TryGetValue(accountId, out var rooms))
            {
                _roomsOfAccount[accountId] = rooms = [];
            }

            rooms.Add(room);
        }

        unread.Joined(room, accountId);
    }

    // Under _gate.
    private void Unindex(Room room, string accountId)
    {
        if (_roomsOfAccount.TryGetValue(accountId, out var rooms) && rooms.Remove(room) && rooms.Count == 0)
        {
            _roomsOfAccount.Remove(accountId);
        }
    }
}
