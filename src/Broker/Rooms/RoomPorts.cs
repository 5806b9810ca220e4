using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Why a room is not the account's any more.</summary>
internal enum RoomLoss
{
    /// <summary>The account has left the room.</summary>
    Left,

    /// <summary>Somebody has taken the account off the list.</summary>
    Removed,

    /// <summary>There is no such room any more.</summary>
    Deleted,
}

/// <summary>The connected clients of accounts, as rooms and their lists change. Thread-safe.</summary>
internal interface IRoomClients : IConnectedAccounts
{
    /// <summary>
    /// The account is taken off the room's list: what its clients sent there before does not bring it back.
    /// To be called before it is off.
    /// </summary>
    void Removed(string accountId, Room room);

    /// <summary>Places the account's clients anew in one room, after its membership or the room changed.</summary>
    /// <param name="replay">They are sent what is retained of what they subscribed to there.</param>
    void Place(string accountId, Room room, bool replay);

    /// <summary>Filters on an inbox under a user name that is no longer the account's end.</summary>
    void InboxRenamed(string accountId, string oldUserName);
}

/// <summary>What is kept of clients that are away. Thread-safe.</summary>
internal interface IKeptClients
{
    /// <summary>
    /// An account came on a room's list: for its clients that are away the room begins now.
    /// The caller has placed the connected clients before: else one that goes away in between would have its place neither from that
    /// nor from this.
    /// </summary>
    void RoomJoined(string accountId, Room room);

    /// <summary>
    /// An account lost a room: what its clients had of it is forgotten, and should it come back, it begins anew.
    /// Completes when that is on disk; fails with <see cref="IOException"/>.
    /// </summary>
    Task RoomLostAsync(string accountId, Room room);

    /// <summary>The same as <see cref="RoomJoined"/> of what another node has written. Its clients here are placed.</summary>
    void HeardJoined(string accountId, Room room) => RoomJoined(accountId, room);

    /// <summary>The same as <see cref="RoomLostAsync"/> of what another node has written.</summary>
    Task HeardLostAsync(string accountId, Room room) => RoomLostAsync(accountId, room);
}

/// <summary>What devices have said in rooms, and is retained. Thread-safe.</summary>
internal interface IRoomValues
{
    /// <summary>
    /// A room was deleted, perhaps by an earlier run of the program. May be called twice.
    /// Completes when nothing is kept of it; fails with <see cref="IOException"/>.
    /// </summary>
    Task ForgetAsync(string roomKey);
}

/// <summary>What else is kept of a room, beside what was said in it. Thread-safe.</summary>
internal interface IRoomRecords
{
    /// <inheritdoc cref="IRoomValues.ForgetAsync"/>
    Task ForgetRoomAsync(string roomKey);
}

/// <summary>What is kept of an account beside its rooms.</summary>
internal interface IAccountRecords
{
    /// <summary>
    /// An account was erased, perhaps by an earlier run of the program. May be called twice.
    /// Completes when nothing is kept of it; fails with <see cref="IOException"/>.
    /// </summary>
    Task ForgetAsync(string accountId);
}

/// <summary>
/// How far each account has read. Each call is begun in the order of the changes of lists; what it returns may overlap.
/// A forgetting fails with <see cref="IOException"/> when the store cannot write.
/// </summary>
internal interface IReadMarks
{
    /// <summary>
    /// Reads what is stored of the account, if that has not been done.
    /// Before <see cref="BeginAsync"/>, which may not wait for a disk. Never fails.
    /// </summary>
    ValueTask LoadAsync(Account account);

    /// <summary>The account has come onto the room's list, and its positions are loaded, and the room's log is open.</summary>
    Task BeginAsync(Account account, Room room);

    /// <summary>
    /// What removes the account's mark, and what it wants to be called for, from the disk: to be written with the removal of its place.
    /// </summary>
    RecordChange[] RemovalsOf(string accountId, LogName room);

    /// <summary>The account has left the room. Also what was marked while its place was being removed is forgotten.</summary>
    Task ForgetAsync(Account account, Room room);

    /// <summary>
    /// The room was deleted: what is in memory of it is forgotten.
    /// What is stored goes by <see cref="ForgetAsync(LogName, IEnumerable{string})"/>.
    /// </summary>
    void Ended(Room room, IReadOnlyCollection<string> accountIds);

    /// <summary>A room was deleted, perhaps by an earlier run of the program, and these accounts were on its list.</summary>
    Task ForgetAsync(LogName room, IEnumerable<string> accountIds);
}

/// <summary>Who listens to what is unread. Thread-safe; nothing in it blocks.</summary>
internal interface IUnreadListeners
{
    /// <summary>The first client of an account listens. The inbox's gate is held.</summary>
    void Begin(Inbox inbox, RoomDirectory rooms);

    /// <summary>The last client of an account has stopped listening. The inbox's gate is held.</summary>
    void End(Inbox inbox);

    /// <summary>The account is on the room's list from now on.</summary>
    void Joined(Room room, string accountId);

    /// <summary>The account is not on the room's list any more. Its clients are told at once.</summary>
    void Lost(Room room, string accountId, RoomLoss loss);

    /// <summary>There may be one more notice of a message in the room. Must not block: the log thread calls it.</summary>
    void NoticeStored(Inbox inbox, Room room);

    /// <summary>Something was said in a conversation, or read. Must not block: the log thread calls it.</summary>
    /// <param name="other">Account id of the one whom the owner of the inbox talks to.</param>
    void ConversationChanged(Inbox inbox, string other);
}

/// <summary>Somebody on a room's list listens to what is unread.</summary>
internal interface IRoomWatch
{
    /// <summary>The room's log has grown. Never blocks: the room's worker calls it, or the log thread.</summary>
    void Changed();
}
