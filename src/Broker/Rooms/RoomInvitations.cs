using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Who is asked into rooms. Who asks learns nothing: the answer is the same for everybody, also for nobody (faults S6, S13, S19;
/// ADR 0038).
/// </summary>
internal sealed partial class RoomInvitations(
    RoomDirectory directory,
    RoomStore store,
    ChangeTurns turns,
    AccountDirectory accounts,
    IgnoredPeople ignored,
    LeftAlone alone,
    LeftBehind left,
    JoinRequestStore asked,
    BrokerLimits limits,
    TimeProvider time)
{
    private readonly Invitations _invitations = new(limits, time);
    private readonly DailyBudget _asks = new(limits.InvitationsPerDay, time, isStored: true);

    /// <summary>As many as are sent: each can be taken back, and no more writes are caused by names that are nobody's.</summary>
    public DailyBudget Withdrawals { get; } = new(limits.InvitationsPerDay, time, isStored: false);

    // Those that are used up and could not be removed from disk.
    private readonly ConcurrentDictionary<(string Room, string Account), Invitation> _usedUp = new();

    /// <summary>Takes what is stored, when the rooms and their lists are there. Before anything is served.</summary>
    /// <param name="tidies">False: what is over stays on disk.</param>
    public async Task RestoreAsync(StoredRooms stored, bool tidies = true)
    {
        List<Invitation> over = [];
        foreach (var one in stored.Invitations)
        {
            var room = directory.FindByKey(one.Room);
            if (_invitations.IsOver(one) || room is null || accounts.Find(one.Account) is null || accounts.Find(one.By) is null)
            {
                over.Add(one);
            }
            else if (/* guard: an invitation is used up once */ room.IsMember(one.Account))
            {
                // The program ended between the two stores.
                _usedUp[(one.Room, one.Account)] = one;
                over.Add(one);
            }
            else
            {
                _invitations.Put(one);
            }
        }

        foreach (var (account, asksLeft) in stored.Inviters)
        {
            _asks.Restore(account, asksLeft);
        }

        if (tidies && over.Count > 0 && await left.TryAsync(() => store.RemoveInvitationsAsync(over)))
        {
            _usedUp.Clear();
        }
    }

    /// <summary>The rooms that an account is asked into and has not answered, with who asks and since when; the newest first.</summary>
    public IEnumerable<(Room Room, Account By, DateTimeOffset At)> OpenOf(Account account)
    {
        foreach (var open in _invitations.OpenOf(account.Id))
        {
            if (directory.FindByKey(open.Room) is { } room
                && !room.IsMember(account.Id)
                && Holds(open, room) is { } by
                && room.Restraints.BanOf(account.Id) is null
                && !ignored.Ignores(account.Id, by.Id))
            {
                yield return (room, by, open.At);
            }
        }
    }

    /// <summary>An invitation that is open and still holds.</summary>
    public bool IsInvited(Room room, Account account) =>
        !room.IsDeleted
        && room.Restraints.BanOf(account.Id) is null
        && _invitations.Find(room.Key, account.Id) is { IsDeclined: false } open
        && Holds(open, room) is not null;

    /// <summary>Asks somebody into a room: one open invitation for each room and person.</summary>
    /// <param name="whom">Null: there is nobody of the name that was given. It costs as much, and takes as long.</param>
    /// <returns><see cref="RoomChange.Done"/>: is on its list already.</returns>
    public async Task<RoomChange> InviteAsync(Room room, Account? whom, Account by)
    {
        Invitation? invitation = null;
        using var turn = await TurnOfAsync(whom);
        using (await turns.OfRoomsAsync())
        {
            if (room.IsDeleted)
            {
                return RoomChange.NotFound;
            }

            if (by.IsErased || !RoomPolicy.MayInvite(room, by))
            {
                return RoomChange.NotAllowed;
            }

            if (whom is not null && room.IsMember(whom.Id))
            {
                return RoomChange.Done;
            }

            if (/* guard: nobody is asked into an archived room */ room.Record.Policy.Archived)
            {
                return RoomChange.IsArchived;
            }

            if (whom is not null && room.Restraints.BanOf(whom.Id) is not null)
            {
                return RoomChange.IsBanned;
            }

            if (/* guard: invitations a day */ !_asks.TryTake(by.Id))
            {
                return RoomChange.TriedTooOften;
            }

            if (whom is { IsErased: false, Ban: null } && (/* guard: who is ignored invites to nothing */ !ignored.Ignores(whom.Id, by.Id))
                && (/* guard: who is left alone is asked into nothing */ alone.MayInvite(directory, by, whom))
                && _invitations.MayAdd(room.Key, whom.Id))
            {
                invitation = new Invitation(room.Key, whom.Id, by.Id, time.GetUtcNow());
            }

            await OrGiveBackAsync(_asks, by, () => store.InviteAsync(by.Id, _asks.Of(by.Id), invitation));
            if (invitation is not null)
            {
                _invitations.Put(invitation);
            }
        }

        if (invitation is not null)
        {
            Tell(invitation, room, by);
        }

        return RoomChange.Invited;
    }

    /// <summary>Makes a link that anybody may come by: it counts as one who is asked.</summary>
    /// <param name="hasPlace">Whether the room takes one more link.</param>
    public async Task<RoomChange> AskByLinkAsync(Room room, Account by, Func<bool> hasPlace, Func<Task> making)
    {
        using var all = await turns.OfRoomsAsync();
        if (room.IsDeleted)
        {
            return RoomChange.NotFound;
        }

        if (by.IsErased || !(/* guard: who makes invite links */ RoomPolicy.MayInvite(room, by)))
        {
            return RoomChange.NotAllowed;
        }

        if (/* guard: no invite link into an archived room */ room.Record.Policy.Archived)
        {
            return RoomChange.IsArchived;
        }

        if (!hasPlace())
        {
            return RoomChange.TooMany;
        }

        if (/* guard: invite links a day */ !_asks.TryTake(by.Id))
        {
            return RoomChange.TriedTooOften;
        }

        await OrGiveBackAsync(_asks, by, async () =>
        {
            await store.InviteAsync(by.Id, _asks.Of(by.Id), null);
            await making();
        });
        return RoomChange.Done;
    }

    /// <summary>How long an account that has asked too many, or taken too many back, waits for the next.</summary>
    public TimeSpan WaitForNext(Account account) =>
        TimeSpan.FromTicks(Math.Max(_asks.WaitOf(account.Id).Ticks, Withdrawals.WaitOf(account.Id).Ticks));

    /// <summary>Takes an invitation back. The same whether there was one or not; one that was declined stays declined.</summary>
    public async Task<RoomChange> WithdrawAsync(Room room, Account? whom, Account by)
    {
        // Who comes in by it just now is in first.
        using var turn = await TurnOfAsync(whom);
        using var all = await turns.OfRoomsAsync();
        if (room.IsDeleted || by.IsErased || !RoomPolicy.MayManage(room, by))
        {
            return room.IsDeleted ? RoomChange.NotFound : RoomChange.NotAllowed;
        }

        if (!Withdrawals.TryTake(by.Id))
        {
            return RoomChange.TriedTooOften;
        }

        var open = whom is not null && _invitations.Find(room.Key, whom.Id) is { IsDeclined: false } found ? found : null;
        await OrGiveBackAsync(Withdrawals, by, () => store.WithdrawAsync(by.Id, _asks.Of(by.Id), open));
        if (open is not null)
        {
            // guard: an invitation taken back
            _invitations.Remove(open.Room, open.Account);
        }

        return RoomChange.Done;
    }

    /// <summary>
    /// Answers an invitation with no. False: there is none. The account is not asked into this room again before the invitation's
    /// time is over.
    /// </summary>
    public async Task<bool> DeclineAsync(Room room, Account account)
    {
        using var turn = await turns.OfAccountAsync(account.Id);
        using var all = await turns.OfRoomsAsync();
        if (_invitations.Find(room.Key, account.Id) is not { IsDeclined: false } open)
        {
            return false;
        }

        var declined = open with { IsDeclined = true };
        await store.SaveInvitationAsync(declined);
        _invitations.Put(declined);
        return true;
    }

    /// <summary>Who was asked, or has asked himself, is in, or banned. In the turn of the account.</summary>
    public async Task UseUpAsync(string room, string accountId)
    {
        if (directory.FindByKey(room) is { } found && RoomPolicy.TakesRequests(found))
        {
            await left.TryAsync(() => asked.EndAsync(room, accountId));
        }

        if (_invitations.Find(room, accountId) is not { } usedUp)
        {
            return;
        }

        _usedUp[(room, accountId)] = usedUp;
        _invitations.Remove(room, accountId);
        if (await left.TryAsync(() => store.RemoveInvitationsAsync([usedUp])))
        {
            _usedUp.TryRemove((room, accountId), out _);
        }
    }

    /// <summary>Who was asked goes: what he used up is off the disk, or he does not go. In the turn of the account.</summary>
    /// <exception cref="IOException">It could not be removed.</exception>
    public async Task RemoveUsedUpAsync(string room, string accountId)
    {
        if (_usedUp.TryGetValue((room, accountId), out var usedUp))
        {
            await store.RemoveInvitationsAsync([usedUp]);
            _usedUp.TryRemove((room, accountId), out _);
        }
    }

    /// <summary>A room ends. What is stored of them goes with the rest of it.</summary>
    public void ForgetRoom(string room) => _invitations.RemoveAll(one => one.Room == room);

    /// <summary>Those that an account has, answered or not, or has made.</summary>
    public List<Invitation> OfAccount(string accountId) => _invitations.Where(one => IsOf(accountId, one));

    /// <summary>An account ends. What was its, or made by it, is off the disk.</summary>
    public void ForgetAccount(string accountId) => _invitations.RemoveAll(one => IsOf(accountId, one));

    /// <summary>Nothing is stored of an account any more.</summary>
    public void ForgetBudgets(string accountId)
    {
        _asks.Forget(accountId);
        Withdrawals.Forget(accountId);
    }

    // Who has no inbox yet has no client that could hear of it.
    private void Tell(Invitation invitation, Room room, Account by) => directory.FindInbox(invitation.Account)?.Enqueue(
        new InboxNotice(room, "invited", $"{by.DisplayName} ({by.UserName}) invites you to {PlainLine.Of(room.Record.Title)}."));

    private static bool IsOf(string accountId, Invitation one) => one.Account == accountId || one.By == accountId;

    private async Task<IDisposable?> TurnOfAsync(Account? account) =>
        account is null ? null : await turns.OfAccountAsync(account.Id);

    // For somebody and for nobody alike: what is given back tells nothing.
    private static async Task OrGiveBackAsync(DailyBudget budget, Account by, Func<Task> storing)
    {
        try
        {
            await storing();
        }
        catch
        {
            budget.Give(by.Id);
            throw;
        }
    }

    /// <summary>Who asks, if he is still there and still may; else null: then the invitation opens nothing.</summary>
    private Account? Holds(Invitation invitation, Room room) =>
        /* guard: an invitation of somebody who may not invite */ accounts.Find(invitation.By) is { IsErased: false, Ban: null } by
            && RoomPolicy.MayInvite(room, by) ? by : null;
}
