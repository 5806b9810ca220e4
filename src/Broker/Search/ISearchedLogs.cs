using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Search;

/// <summary>One kind of logs that is searched: which they are, and who may read them.</summary>
internal interface ISearchedLogs
{
    /// <summary>Whether it is such a log, be it there by now or not.</summary>
    bool Are(LogName log);

    /// <summary>The stream of the log, if this login session may read it just now; null: it may not, or there is none.</summary>
    /// <param name="isNamed">It is this log that is searched; else all are, and what is hidden from the account is left out.</param>
    EventStream? FindReadable(LogName log, LoginSession who, bool isNamed);
}

/// <summary>Rooms: read by who is on the list, and by everybody where everybody could come in.</summary>
internal sealed class SearchedRooms(RoomDirectory rooms) : ISearchedLogs
{
    public bool Are(LogName log) => log.RoomKey is not null;

    public EventStream? FindReadable(LogName log, LoginSession who, bool isNamed) =>
        log.RoomKey is { } key
        && rooms.FindByKey(key) is { } room
        && (/* guard: a token's rooms, search */ who.Scope.Allows(room.Id.Value, Verbs.Read))
        && (/* guard: search finds what may be read */ RoomPolicy.MayRead(room, who.Account)) ? room : null;
}

/// <summary>Conversations: each of the two finds what both said, and nobody else does.</summary>
internal sealed class SearchedConversations(RoomDirectory directory, IgnoredPeople ignored) : ISearchedLogs
{
    public bool Are(LogName log) => log.Sides is not null;

    public EventStream? FindReadable(LogName log, LoginSession who, bool isNamed)
    {
        if (log.Sides is not ({ } one, { } other))
        {
            return null;
        }

        var me = who.Account.Id;
        var with = one == me ? other : one;
        var isOfTwo = /* guard: a conversation is found by the two */ one == me || other == me;
        var mayRead = /* guard: a token's rooms, search in conversations */ who.Scope.Rooms is null && who.Scope.Verbs.HasFlag(Verbs.Read);
        var isHidden = /* guard: who is ignored is not found everywhere */ !isNamed && ignored.Ignores(me, with);
        return isOfTwo && mayRead && !isHidden ? directory.InboxOf(who.Account).With(with) : null;
    }
}
