using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
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
    IdTaken,
    TooMany,
    TriedTooOften,
    IsDefault,

    /// <summary>Nobody is on a list by it: who was asked may come, if there is anybody of that name.</summary>
    Invited,
}

/// <summary>All rooms and inboxes, and the only place that changes rooms and their lists: first on disk, then in memory, then for every connection.</summary>
/// <remarks>
/// <para>Whoever comes into a room or leaves it waits for what was begun for his own account (<c>_turns</c>), then for who changes the room itself
/// (<see cref="Room.Turns"/>), and for nobody else: all who come at once share a sync (fault R9). Rights are looked at again in that turn, for what a caller saw
/// before may have changed while it waited.</para>
/// <para><c>_changes</c> is for which rooms there are, and for invitations: one at a time. Taken in this order: an account's turn, <c>_changes</c>, a room's turn. The
/// memory that they change is read without a lock. <c>_gate</c> guards the index by account and is a leaf lock.</para>
/// In other files: who comes and goes, who is asked into rooms, and what happens when rooms and accounts end.
/// </remarks>
internal sealed partial class RoomDirectory(
    RoomStore store,
    MembershipStore memberships,
    ChangedRooms changed,
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
    // Another node may be quicker, but not each time.
    private const int TriesToMake = 32;

    private readonly ConcurrentDictionary<string, Room> _rooms = new();
    private readonly ConcurrentDictionary<string, Room> _byKey = new();
    private readonly ConcurrentDictionary<string, Inbox> _inboxes = new();
    private readonly AccountTurns _turns = new();
    private readonly SemaphoreSlim _changes = new(1, 1);
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());

    // Rooms that each account is in, or has without being in it.
    private readonly Dictionary<string, HashSet<Room>> _roomsOfAccount = [];
    private readonly DailyBudget _tries = new(settings.Limits.RoomTriesPerDay, time, isStored: false);

    public IEnumerable<Room> All => _rooms.Values;

    /// <summary>The disk is nearly full: nobody is put on a list.</summary>
    public bool TakesNobody => space.IsLow;

    /// <summary>Reads the rooms and makes those that the settings name. Before anything is served.</summary>
    public async Task OpenAsync()
    {
        var stored = await store.LoadAsync();
        foreach (var record in await changed.BringUpAsync(stored.Rooms, store))
        {
            Enter(new Room(record, log, nodes, quotas, space, time));
        }

        var strangers = await RestoreMembersAsync(stored.Former);
        await RestoreInvitationsAsync(stored);
        await FinishEndingsAsync(stored, strangers);
        foreach (var id in settings.DefaultRooms)
        {
            if (!_rooms.ContainsKey(id.Value))
            {
                var title = char.ToUpperInvariant(id.Value[0]) + id.Value[1..];
                var record = new RoomRecord(RoomStore.NewKey(), id, title, "", new PolicyFields(), null, time.GetUtcNow());
                Enter(await MakeAsync(record, maker: null));
            }
        }
    }

    public Room? Find(string id) => _rooms.GetValueOrDefault(id);

    /// <param name="key">See <see cref="RoomRecord"/>.</param>
    public Room? FindByKey(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>The room, if the account may know that it exists.</summary>
    public Room? FindVisible(string id, string accountId) => Find(id) is { } room && RoomPolicy.MaySee(room, accountId) ? room : null;

    /// <summary>The rooms that a filter is about: the one it names, or all that the account is a member of.</summary>
    public Room[] CoveredBy(RoomFilter filter, string accountId) => filter.Room is { } id
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
        using var turn = await _turns.EnterAsync(owner.Id);
        await _changes.WaitAsync();
        try
        {
            if (owner.IsErased)
            {
                return RoomChange.NotAllowed;
            }

            if (settings.Limits.RoomsPerAccount is > 0 and var limit && OwnedBy(owner.Id).Count >= limit)
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

            var record = new RoomRecord(RoomStore.NewKey(), id, title, topic, PolicyFields.Of(isPrivate), owner.Id, time.GetUtcNow());
            var place = MembershipRecord.Begin(MemberRole.Owner, record.CreatedAt);
            var room = await MakeAsync(record, (owner.Id, place));
            await room.OpenAsync();
            Index(room, owner.Id, new Membership(place, isStored: true));
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

    // The maker's place first: a room that is there without anybody in it could be nobody's. A key that is left over from a write that failed is not used again.
    private async Task<Room> MakeAsync(RoomRecord record, (string Account, MembershipRecord Place)? maker)
    {
        if (maker is { } first)
        {
            await memberships.PutAsync(record.Key, first.Account, null, first.Place);
        }

        for (var tries = 0; await store.CreateAsync(record) is { } leftover; tries++)
        {
            if (tries == TriesToMake)
            {
                throw new IOException($"The id '{record.Id}' is taken by somebody else all the time.");
            }
            await /* guard: a room that was refused and is there leaves nobody in the next of its id */ memberships.RemoveRoomAsync(leftover);
            await store.RemoveLeftoverAsync(record.Id, leftover);
        }

        // Its log is empty whatever a deletion that was cut short has left behind: nobody has had its key (fault R13).
        _former.TryRemove(record.Id.Value, out _);
        return new Room(record, log, nodes, quotas, space, time);
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
}
