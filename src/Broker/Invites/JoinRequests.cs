using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Invites;

/// <summary>What became of asking to be let into a room, of taking that back, or of answering it.</summary>
internal enum JoinOutcome
{
    Done,

    /// <summary>It was asked before, and waits for an answer.</summary>
    Waits,

    /// <summary>Is on the room's list already.</summary>
    IsIn,

    NoSuchRoom,

    /// <summary>The account has not asked, or nobody has that name.</summary>
    NoSuchRequest,

    NotForGuests,

    /// <summary>Into this room nobody is let in who asks: everybody comes in, or who is invited.</summary>
    TakesNone,

    NotAllowed,

    /// <summary>It was declined lately.</summary>
    Declined,

    TooMany,
    TriedTooOften,
    OverQuota,
    RoomFull,

    /// <summary>Nobody comes in until the room is opened again: what waits, waits on.</summary>
    Archived,

    /// <summary>Who answers is muted in the room.</summary>
    Muted,

    /// <summary>A ban or a kick of just now keeps the account out, or something changed at the same time.</summary>
    KeptOut,
}

/// <summary>Who asks to be let into rooms, and who decides (ADR 0077).</summary>
/// <remarks>
/// Whoever asks holds the turn of his account, shares that of the room, and holds that of those who ask into this room, in this order.
/// Calls that write fail with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed class JoinRequests(
    JoinRequestStore store,
    RoomMembers members,
    AccountDirectory accounts,
    ChangeTurns turns,
    HostNotices notices,
    AuditPlaces audits,
    StorageQuotas quotas,
    BrokerLimits limits,
    TimeProvider time,
    ITurns? nodeTurns = null) : IAccountRecords
{
    public const int NoteLength = 200;

    // By the key of a room: of two who ask at once, the second counts the first.
    private readonly AccountTurns _rooms = AccountTurns.Of(nodeTurns, "requests/");

    /// <summary>How often each account may still ask today.</summary>
    public DailyBudget Asked { get; } = new(limits.JoinRequestsPerDay, time, isStored: false);

    /// <summary>What the account asks of the room; null: nothing that waits. Reads the disk.</summary>
    public JoinRequest? OpenOf(Room room, Account account) =>
        RoomPolicy.TakesRequests(room) && store.Find(room.Key, account.Id) is { DeclinedAt: null } open ? open : null;

    /// <summary>Whom a room could let in, by user name. Reads the disk.</summary>
    /// <remarks>Who is banned there is told the same as everybody, and nobody is asked about him.</remarks>
    public IReadOnlyList<(Account Account, JoinRequest Request)> Waiting(Room room) => !RoomPolicy.TakesRequests(room) ? [] :
    [
        .. store.OpenOf(room.Key).Select(one => (Account: accounts.Find(one.Account)!, one))
            .Where(one => IsShown(room, one.Account))
            .OrderBy(one => one.Account.UserName, StringComparer.Ordinal),
    ];

    /// <param name="note">At most <see cref="NoteLength"/> characters, as it is stored.</param>
    /// <returns>The request, also one that was declined; null where there is none.</returns>
    public async Task<(JoinOutcome Outcome, JoinRequest? Request)> AskAsync(Room room, LoginSession who, string note)
    {
        var account = who.Account;
        JoinRequest request;
        using (await turns.OfAccountAsync(account.Id))
        using (await room.Turns.ShareAsync())
        using (await _rooms.EnterAsync(room.Key))
        {
            if (WhyNot(room, account) is { } why)
            {
                return (why, null);
            }

            if (store.Find(room.Key, account.Id) is { } before)
            {
                return (
                    before.DeclinedAt is null ? JoinOutcome.Waits : /* guard: who was declined does not ask at once */ JoinOutcome.Declined,
                    before);
            }

            if (limits.JoinRequestsPerRoom is > 0 and var most && !HasPlace(room, account, most))
            {
                return (JoinOutcome.TooMany, null);
            }

            request = new(room.Key, account.Id, DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()), note);
            if (/* guard: requests a day */ !Asked.TryTake(account.Id))
            {
                return (JoinOutcome.TriedTooOften, null);
            }

            var (quota, bytes) = (quotas.Of(who), 2 * request.Key().Length + request.Value().Length);
            if (/* guard: requests are paid for */ !quota.TryTake(bytes, out _))
            {
                Asked.Give(account.Id);
                return (JoinOutcome.OverQuota, null);
            }

            try
            {
                await store.PutAsync(request);
            }
            catch
            {
                Asked.Give(account.Id);
                quota.GiveBack(bytes);
                throw;
            }
        }

        if (IsShown(room, account))
        {
            await notices.TellHostsAsync(
                room, EventType.RequestNotice, account, request.At.ToUnixTimeMilliseconds(), host => RoomPolicy.MayAnswerRequests(room, host));
        }

        return (JoinOutcome.Done, request);
    }

    /// <summary>How long an account that has asked too often waits for the next.</summary>
    public TimeSpan WaitForNext(Account account) => Asked.WaitOf(account.Id);

    /// <summary>How long until who was declined may ask again.</summary>
    public TimeSpan WaitAfter(JoinRequest declined) => declined.Until - time.GetUtcNow();

    public async Task<JoinOutcome> TakeBackAsync(Room room, Account account)
    {
        using var turn = await turns.OfAccountAsync(account.Id);
        if (/* guard: what was declined is not taken back */ OpenOf(room, account) is null)
        {
            return JoinOutcome.NoSuchRequest;
        }

        await store.EndAsync(room.Key, account.Id);
        return JoinOutcome.Done;
    }

    /// <summary>Puts who asked on the room's list.</summary>
    public async Task<JoinOutcome> AcceptAsync(Room room, Account account, Account by)
    {
        if (!Waits(room, account))
        {
            return JoinOutcome.NoSuchRequest;
        }

        AuditRecord admitted = new("admit", AuditPerson.Of(by), AuditPerson.Of(account));
        await audits.WriteAsync(room.Key, admitted, by, audit => members.JoinAsync(room, account, byItself: true, () =>
            store.Find(room.Key, account.Id) is { DeclinedAt: null } open
            && (/* guard: who lets people in is looked at in their turn */ RoomPolicy.MayAnswerRequests(room, by))
            && (/* guard: who is muted lets nobody in */ RoomPolicy.WhyMuted(room, by) is null)
                ? new InvitePass([.. JoinRequestStore.RemovalsOf(open), audit], [new(open.Key(), open.Value())]) : null));
        if (!room.IsMember(account.Id))
        {
            return !RoomPolicy.MayAnswerRequests(room, by) ? JoinOutcome.NotAllowed
                : RoomPolicy.WhyMuted(room, by) is not null ? JoinOutcome.Muted
                : RoomPolicy.WhyArchived(room) is not null ? JoinOutcome.Archived
                : room.IsFullFor(account) ? JoinOutcome.RoomFull
                : JoinOutcome.KeptOut;
        }

        await AnsweredAsync(room, account, isAccepted: true);
        return JoinOutcome.Done;
    }

    /// <summary>Who asked is not let in, and does not ask again for <see cref="JoinRequest.DeclinedFor"/>.</summary>
    public async Task<JoinOutcome> DeclineAsync(Room room, Account account, Account by)
    {
        using (await turns.OfAccountAsync(account.Id))
        using (await room.Turns.ShareAsync())
        {
            if (!(/* guard: who declines requests */ RoomPolicy.MayAnswerRequests(room, by)))
            {
                return JoinOutcome.NotAllowed;
            }

            if (/* guard: who is muted declines nobody */ RoomPolicy.WhyMuted(room, by) is not null)
            {
                return JoinOutcome.Muted;
            }

            if (!Waits(room, account))
            {
                return JoinOutcome.NoSuchRequest;
            }

            var open = store.Find(room.Key, account.Id)!;
            var declined = open with { Note = "", DeclinedAt = time.GetUtcNow() };
            AuditRecord entry = new("decline", AuditPerson.Of(by), AuditPerson.Of(account));
            await audits.WriteAsync(room.Key, entry, by, new RecordChange(declined.Key(), declined.Value()));
        }

        await AnsweredAsync(room, account, isAccepted: false);
        return JoinOutcome.Done;
    }

    async Task IAccountRecords.ForgetAsync(string accountId)
    {
        // What was begun before the account was marked as erased is on disk first.
        using var turn = await turns.OfAccountAsync(accountId);
        await store.ForgetAccountAsync(accountId);
        Asked.Forget(accountId);
    }

    private Task AnsweredAsync(Room room, Account account, bool isAccepted) => notices.AnswerAsync(
        room,
        account,
        EventType.RequestedNotice,
        time.GetUtcNow().ToUnixTimeMilliseconds(),
        writer => writer.WriteBoolean("accepted"u8, isAccepted));

    // Who is banned takes nobody's place, and is answered as everybody.
    private bool HasPlace(Room room, Account account, int most)
    {
        var open = store.OpenOf(room.Key);
        var shown = open.Count(one => IsShown(room, accounts.Find(one.Account)));
        return (/* guard: requests of a room */ shown < most)
            && (/* guard: requests of who is banned */ IsShown(room, account) || open.Count - shown < most);
    }

    private static bool IsShown(Room room, Account? account) =>
        account is { IsErased: false, Ban: null, IsGuest: false }
        && (/* guard: who is banned asks nobody */ room.Restraints.BanOf(account.Id) is null)
        && !room.IsMember(account.Id);

    private static JoinOutcome? WhyNot(Room room, Account account) =>
        room.IsDeleted || account.IsErased ? JoinOutcome.NoSuchRoom
        : room.IsMember(account.Id) ? JoinOutcome.IsIn
        : !(/* guard: rooms that take requests */ RoomPolicy.TakesRequests(room)) ? JoinOutcome.TakesNone
        : (/* guard: nobody asks to be let into an archived room */ RoomPolicy.WhyArchived(room) is not null) ? JoinOutcome.Archived
        : (/* guard: guests do not ask to be let in */ account.IsGuest) ? JoinOutcome.NotForGuests
        : null;

    private bool Waits(Room room, Account account) =>
        OpenOf(room, account) is not null && IsShown(room, account);
}
