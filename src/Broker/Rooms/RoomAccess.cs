using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Answers the interceptor's question about filters. A named room that is subscribed to is joined, if it is public or the account is
/// invited.
/// </summary>
internal sealed class RoomAccess(RoomDirectory rooms, RoomMembers members, RoomInvitations invitations) : ITopicAccess
{
    public async ValueTask<Verdict> MaySubscribeAsync(LoginSession session, IAskedFilter filter, CancellationToken cancellation)
    {
        if (filter is not AskedFilter asked)
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This is no filter of this server.");
        }

        var parsed = asked.Filter;
        switch (asked.Error)
        {
            case FilterError.None:
                break;
            case FilterError.Invalid:
                return Verdict.Refused(
                    RefusalCode.TopicFilterInvalid, $"'{Short(filter.Text)}' is no filter of this server. Try rooms/lobby or rooms/+.");
            case FilterError.SharedNotBuilt:
                return Verdict.Refused(
                    RefusalCode.SharedSubscriptionsNotSupported, "Shared subscriptions are of rooms and their data topics: $share/{group}/rooms/{room}, $share/{group}/rooms/{room}/data/….");
            default:
                return Verdict.Refused(
                    RefusalCode.NotAuthorized,
                    $"'{Short(filter.Text)}' is not open to you. Subscribe to rooms/… or to users/ and your own user name.");
        }

        if (parsed!.IsOfServer)
        {
            return MayHearServer(session) ? Verdict.Allowed
                : Verdict.Refused(RefusalCode.NotAuthorized, $"'{Short(filter.Text)}' is not open to you: what the server says of itself is for its administrators.");
        }

        if (parsed.Data is not null)
        {
            return await MaySubscribeToDataAsync(session, parsed, cancellation);
        }

        if (!session.Scope.Verbs.HasFlag(Verbs.Read))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This access token may not read.");
        }

        if (parsed.Inbox is { } user)
        {
            return (/* guard: one's own inbox */ user == session.Account.UserName)
                ? MaySubscribeToOwn(session, parsed)
                : Verdict.Refused(
                    RefusalCode.NotAuthorized,
                    $"'{Short(filter.Text)}' is not open to you. Subscribe to rooms/… or to users/ and your own user name.");
        }

        if (parsed.Room is not { } id)
        {
            return Verdict.Allowed;
        }

        // An unknown, deleted or private room, and one outside a token's scope, give one answer, so that nobody learns which it is.
        if (FindOpen(id, session.Account, parsed.IsInfoOnly) is not { } room
            || /* guard: a token's rooms, reading */ !session.Scope.Allows(id, Verbs.Read))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, $"There is no room '{id}', or it is not open to you.");
        }

        if (!parsed.IsInfoOnly && await JoinAsync(room, session.Account, id, cancellation) is { } refusal)
        {
            return refusal;
        }

        // Who is on the list, and not here, waits as well. In a group nobody is here.
        return !parsed.IsInfoOnly && parsed.Group is null && (/* guard: a full room, subscribing */ room.IsFullFor(session.Account))
            ? Verdict.Refused(RefusalCode.QuotaExceeded, TalkRefusals.RoomFull.Reason)
            : Verdict.Allowed;
    }

    // Null: the account is on the list.
    private async ValueTask<Verdict?> JoinAsync(Room room, Account account, string asked, CancellationToken cancellation)
    {
        if (RoomPolicy.MayHear(room, account))
        {
            return null;
        }

        if (members.TakesNobody)
        {
            return Verdict.Refused(RefusalCode.QuotaExceeded, "It could not be stored. Try again later.");
        }

        await members.JoinAsync(room, account, byItself: true).WaitAsync(cancellation);
        if (RoomPolicy.MayHear(room, account))
        {
            return null;
        }

        var why = members.WhyNotIn(room, account);
        return ReferenceEquals(why, PublishRefusal.NoSuchRoom) ? Verdict.Refused(RefusalCode.NotAuthorized, $"There is no room '{asked}', or it is not open to you.")
            : Verdict.Refused(why.Code == ReasonCode.QuotaExceeded ? RefusalCode.QuotaExceeded : RefusalCode.NotAuthorized, why.Reason);
    }

    /// <summary>
    /// What the server says of itself tells of all rooms: only an administrator hears it, by nothing that is limited to some.
    /// </summary>
    public static bool MayHearServer(LoginSession session) =>
        (/* guard: $SYS is for administrators */ session.Account.Profile.IsAdministrator)
        && (/* guard: a token's rooms, $SYS */ session.Scope is { Rooms: null, Mount: null })
        && (/* guard: $SYS is for tokens that read */ session.Scope.Verbs.HasFlag(Verbs.Read));

    // Nobody is present by it, but whoever has no mount comes onto the list of a room that he names, as by any other filter.
    private async ValueTask<Verdict> MaySubscribeToDataAsync(LoginSession session, RoomFilter filter, CancellationToken cancellation)
    {
        if (!session.Scope.Verbs.HasFlag(Verbs.Data) || !(/* guard: topics that a token may read */ GrantedTopics.MayRead(session.Scope, filter.Data!)))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This access token may not read these data topics.");
        }

        if (filter.Room is not { } id)
        {
            return Verdict.Allowed;
        }

        if (FindOpen(id, session.Account, isInfoOnly: false) is not { } room || !session.Scope.Allows(id, Verbs.Data))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, $"There is no room '{id}', or it is not open to you.");
        }

        if (!filter.IsMounted && await JoinAsync(room, session.Account, id, cancellation) is { } refusal)
        {
            return refusal;
        }

        return (/* guard: who reads data topics */ RoomPolicy.MayReadData(room, session)) ? Verdict.Allowed
            : Verdict.Refused(
                RefusalCode.NotAuthorized,
                RoomPolicy.WhyKeptOut(room, session.Account)?.Reason
                    ?? "The data topics of this room are not yours to read: its rules say so.");
    }

    // Whoever is invited into a private room comes into it by subscribing to it, and watches nothing of it before.
    private Room? FindOpen(string id, Account account, bool isInfoOnly) =>
        (rooms.FindVisible(id, account.Id) is { } room && (!isInfoOnly || RoomPolicy.MayWatch(room, account.Id)) ? room : null)
        ?? (!isInfoOnly && rooms.Find(id) is { } asked && invitations.IsInvited(asked, account) ? asked : null);

    /// <summary>Whether a filter that was granted before may be held on: nothing is joined for it.</summary>
    public static bool MayStillHold(RoomDirectory rooms, LoginSession session, RoomFilter filter) => filter.IsOfServer ? MayHearServer(session)
        : filter.Data is not null
        ? session.Scope.Verbs.HasFlag(Verbs.Data) && (filter.Room is not { } of || (rooms.Find(of) is { } its && RoomPolicy.MayReadData(its, session)))
        : session.Scope.Verbs.HasFlag(Verbs.Read)
        && (filter.Inbox is { } user ? user == session.Account.UserName && MaySubscribeToOwn(session, filter).IsAllowed
            : filter.Room is not { } id
                || (session.Scope.Allows(id, Verbs.Read)
                    && rooms.FindVisible(id, session.Account.Id) is { } room
                    && (filter.IsInfoOnly ? RoomPolicy.MayWatch(room, session.Account.Id) : RoomPolicy.MayHear(room, session.Account))));

    /// <summary>
    /// The stream behind a log that a client was sent from, if its account may still read there; null: it may not, or there is none
    /// any more.
    /// </summary>
    public static EventStream? MayStillHear(RoomDirectory rooms, LoginSession session, LogName log)
    {
        if (log == LogName.OfAccount(session.Account.Id))
        {
            return session.Scope.Rooms is null && session.Scope.Verbs.HasFlag(Verbs.Read) ? rooms.InboxOf(session.Account) : null;
        }

        if (log == LogName.OfNotices(session.Account.Id))
        {
            return MayHearNotices(session) ? rooms.InboxOf(session.Account).Notices : null;
        }

        return rooms.RoomsOf(session.Account.Id).FirstOrDefault(room => room.Log == log) is { } room
            && RoomPolicy.MayHear(room, session.Account)
            && session.Scope.Allows(room.Id.Value, Verbs.Read) ? room : null;
    }

    // Notices are for every client, so `users/{me}` is open to tokens limited to rooms too, as is what of their rooms it may cover beside.
    private static Verdict MaySubscribeToOwn(LoginSession session, RoomFilter filter) =>
        filter.Notices && !MayHearNotices(session)
            ? Verdict.Refused(RefusalCode.NotAuthorized, "This access token hears of no mentions: it is limited to rooms.")
        : filter.ReadRoom is { } room && !session.Scope.Allows(room, Verbs.Read)
            ? Verdict.Refused(RefusalCode.NotAuthorized, $"There is no room '{room}', or it is not open to you.")
            : Verdict.Allowed;

    // They tell of all rooms of the account.
    private static bool MayHearNotices(LoginSession session) =>
        /* guard: a token's rooms, notices */ session.Scope.Rooms is null && session.Scope.Verbs.HasFlag(Verbs.Read);

    private static string Short(string filter) => Events.PlainLine.Of(filter.Length > 80 ? filter[..80] + "…" : filter);
}
