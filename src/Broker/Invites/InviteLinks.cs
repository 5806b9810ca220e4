using System.Security.Cryptography;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Invites;

/// <summary>What became of coming in by a link.</summary>
internal enum InviteUse
{
    /// <summary>The account is on the room's list, where it may have been before.</summary>
    Done,

    /// <summary>Used up, over, revoked, of a room that is no more, or never made: who asks does not learn which.</summary>
    NoSuchLink,

    /// <summary>The link holds, and a ban or a kick of just now keeps the account out.</summary>
    KeptOut,

    NotForGuests,

    RoomFull,

    /// <summary>A guest, of whom as many came within a minute as the room lets in.</summary>
    GuestsWait,
}

/// <summary>Where a link leads.</summary>
/// <param name="By">Who made it, and may still invite.</param>
/// <param name="Stored">The record of the link, as it was read.</param>
internal sealed record FoundInvite(InviteLink Link, Room Room, Account By, byte[] Stored);

/// <summary>The links by which people come into rooms: made, shown, used, revoked and forgotten (ADR 0070).</summary>
/// <remarks>
/// Records `invite/{room key}/{id}`, `invitesecret/{SHA-256}` by which who has the secret finds it, and where its uses have an end
/// `inviteuser/{room key}/{id}/{hash}` of each account that has come in, one use each: nothing is in memory, and no secret on disk.
/// Thread-safe. Those that write fail with <see cref="RecordsNotWrittenException"/>.
/// Who comes in holds the link's turn, if there is an end to its uses, then the turns that coming in takes; who makes one or revokes one is
/// in the turn of all rooms, or alone with the room.
/// </remarks>
internal sealed class InviteLinks(
    IRecords records,
    RoomDirectory directory,
    RoomMembers members,
    RoomInvitations invitations,
    ChangeTurns turns,
    AccountDirectory accounts,
    BrokerLimits limits,
    TimeProvider time,
    ITurns? nodeTurns = null) : IRoomRecords, IAccountRecords
{
    private const int PerPage = 250;

    // By the id of a link: who would count on what another has just counted would have to begin anew.
    private readonly AccountTurns _uses = AccountTurns.Of(nodeTurns, "invite/");

    /// <summary>The links of a room that are not over and not used up, the oldest first. Reads the disk.</summary>
    public IReadOnlyList<InviteLink> OpenOf(Room room) => [.. Of(room.Key).Where(link => !IsPast(link)).OrderBy(link => link.At)];

    /// <summary>Where the link with this secret leads now; null: nowhere. Reads the disk, and uses nothing up.</summary>
    public FoundInvite? Look(string? secret) => Find(secret) is { Link.IsUsedUp: false } found ? found : null;

    /// <param name="lifetime">Whole minutes.</param>
    /// <param name="uses">How many come in by it; 0: as many as come.</param>
    /// <returns>The link and its secret, which is nowhere else; null where there is none.</returns>
    public async Task<(RoomChange Change, InviteLink? Link, string? Secret)> MakeAsync(Room room, Account by, TimeSpan lifetime, int uses)
    {
        var secret = Secret.CreateForLink();
        var now = time.GetUtcNow();
        InviteLink link = new(Secret.CreateId(), room.Key, by.Id, now, now + lifetime, uses, Used: 0, SecretHash.Of(secret));
        List<InviteLink> past = [];
        var change = await invitations.AskByLinkAsync(room, by, HasPlace, () => records.WriteAsync(
            [.. past.SelectMany(RemovalsOf), new(link.Key(), link.Value()), new(InviteLink.SecretKey(link.Secret), link.Key()), MakerIndex.Made(by.Id, link.Key())]));
        return change == RoomChange.Done ? (change, link, secret) : (change, null, null);

        bool HasPlace()
        {
            var all = Of(room.Key);
            past.AddRange(all.Where(IsPast));
            return limits.InvitesPerRoom == 0 || /* guard: invite links of a room */ all.Count - past.Count < limits.InvitesPerRoom;
        }
    }

    /// <summary>Takes a link back: nobody comes in by it when that is answered.</summary>
    public async Task<RoomChange> RevokeAsync(Room room, Account by, string id)
    {
        // Who comes in by it just now is in before.
        using var turn = await room.Turns.BeAloneAsync();
        if (room.IsDeleted || !(/* guard: who revokes invite links */ RoomPolicy.MayInvite(room, by)))
        {
            return room.IsDeleted ? RoomChange.NotFound : RoomChange.NotAllowed;
        }

        var key = InviteLink.Key(room.Key, id);
        if (records.Find(key) is not { } value || InviteLink.Read(key, value) is not { } link || IsPast(link))
        {
            return RoomChange.NotFound;
        }

        await records.WriteAsync(RemovalsOf(link));
        return RoomChange.Done;
    }

    /// <summary>Comes into the room by a link, which counts one use unless the account is in it already.</summary>
    public async Task<InviteUse> UseAsync(FoundInvite found, string secret, Account account)
    {
        var (room, uses) = (found.Room, found.Link.Uses);
        using (uses == 0 ? null : await _uses.EnterAsync(found.Link.Id))
        {
            await members.JoinAsync(room, account, byItself: true, () => PassOf(secret, account));
        }

        // A place that the link gave before its answer was lost is given again, also when it was its last.
        return room.IsMember(account.Id) ? InviteUse.Done
            : Look(secret) is null ? InviteUse.NoSuchLink
            : members.WhyKeptOut(room, account, hasLink: true) is not null ? InviteUse.KeptOut
            : !RoomPolicy.IsOpenToGuest(room, account) ? InviteUse.NotForGuests
            : room.IsFullFor(account) ? InviteUse.RoomFull
            : RoomMembers.WhyGuestsWait(room, account) is not null ? InviteUse.GuestsWait
            : InviteUse.NoSuchLink;
    }

    /// <summary>The same as <see cref="Look"/>, also of one that is used up: who came in by it may ask again. Reads the disk.</summary>
    public FoundInvite? Find(string? secret)
    {
        // By its hash: how long the look-up takes tells of the hash of a guess, which leads nowhere.
        if (!SecretHash.TryOf(secret, out var hash)
            || records.Find(InviteLink.SecretKey(hash)) is not { } key
            || records.Find(key) is not { } value
            || InviteLink.Read(key, value) is not { } link
            || !CryptographicOperations.FixedTimeEquals(link.Secret.ToBytes(), hash.ToBytes())
            || (/* guard: the end of an invite link */ IsOver(link))
            || directory.FindByKey(link.Room) is not { IsDeleted: false } room
            || accounts.Find(link.By) is not { IsErased: false, Ban: null } by
            || !(/* guard: an invite link of somebody who may not invite */ RoomPolicy.MayInvite(room, by)))
        {
            return null;
        }

        return new FoundInvite(link, room, by, value);
    }

    /// <summary>Removes what is over, of all rooms, and who came in by what is gone.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        byte[] last = [];
        do
        {
            cancellation.ThrowIfCancellationRequested();
            page = records.ReadPage(InviteLink.Prefix, last, PerPage);
            List<RecordChange> gone = [];
            foreach (var (key, value) in page)
            {
                last = key;
                if (InviteLink.Read(key, value) is { } link && IsOver(link))
                {
                    gone.AddRange(RemovalsOf(link));
                }
            }

            if (gone.Count > 0)
            {
                await records.WriteAsync(gone);
            }
        }
        while (page.Count == PerPage);

        await SweepUsersAsync(cancellation);
    }

    // By their keys: also what this version cannot read, whose hash then leads to nothing.
    public Task ForgetRoomAsync(string roomKey) => records.WriteInPartsAsync(records.ReadAll(InviteLink.PrefixOf(roomKey))
        .SelectMany(one => InviteLink.Read(one.Key, one.Value) is { } link ? RemovalsOf(link) : [new RecordChange(one.Key, null)])
        .Concat(records.ReadAll(InviteLink.UsersPrefixOf(roomKey)).Select(one => new RecordChange(one.Key, null))));

    async Task IAccountRecords.ForgetAsync(string accountId)
    {
        // What was begun before the account was marked as erased is on disk first.
        using var all = await turns.OfRoomsAsync();
        await records.WriteInPartsAsync(MakerIndex.MadeBy(records, accountId, InviteLink.Prefix)
            .SelectMany(made => records.Find(made.Key) is { } value && InviteLink.Read(made.Key, value) is { } link
                ? RemovalsOf(link) : [new RecordChange(made.Key, null), MakerIndex.Gone(accountId, made.Key)]));
    }

    private static RecordChange[] RemovalsOf(InviteLink link) =>
        [new(InviteLink.SecretKey(link.Secret), null), new(link.Key(), null), MakerIndex.Gone(link.By, link.Key())];

    // Of links that are gone, however that came.
    private async Task SweepUsersAsync(CancellationToken cancellation)
    {
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        byte[] last = [];
        do
        {
            cancellation.ThrowIfCancellationRequested();
            page = records.ReadPage(InviteLink.UsersPrefix, last, PerPage);
            last = page.Count == 0 ? last : page[^1].Key;
            await records.WriteInPartsAsync(page.GroupBy(one => InviteLink.LinkOfUser(one.Key))
                .Where(users => records.Find(Encoding.ASCII.GetBytes(users.Key)) is null)
                .SelectMany(users => users, (_, one) => new RecordChange(one.Key, null)));
        }
        while (page.Count == PerPage);
    }

    // In the turns of the link and of the room. Null: it holds no more.
    private InvitePass? PassOf(string secret, Account account)
    {
        if (Find(secret) is not { Link: var link } found || /* guard: uses of an invite link */ link.IsUsedUp)
        {
            return null;
        }

        // Another node may have counted since, or revoked it.
        RecordCondition[] isSame = [new(link.Key(), found.Stored)];
        var user = link.UserKey(secret, account.Id);
        return new InvitePass(
            link.Uses == 0 || (/* guard: one account uses a link up once */ records.Find(user) is not null)
                ? [] : [new(link.Key(), (link with { Used = link.Used + 1 }).Value()), new(user, [])],
            isSame);
    }

    private List<InviteLink> Of(string roomKey) =>
        [.. records.ReadAll(InviteLink.PrefixOf(roomKey)).Select(record => InviteLink.Read(record.Key, record.Value)).OfType<InviteLink>()];

    private bool IsPast(InviteLink link) => link.IsUsedUp || IsOver(link);

    private bool IsOver(InviteLink link) => time.GetUtcNow() >= link.Until;
}
