using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>The one place that says who may do what in a room: HTTP, SUBSCRIBE, PUBLISH and delivery all ask here. What nothing here
/// allows is not allowed.</summary>
/// <remarks>
/// A look at a few fields in memory: the log thread may ask. What an access token is limited to is asked beside, for that is no matter
/// of the room: but for data topics, where devices speak by tokens.
/// Roles rank: owner over moderator over member. Administrators of the server rank above all three, and read nothing private by it
/// (decision 22).
/// </remarks>
internal static class RoomPolicy
{
    private const int AdministratorRank = 4;

    private static readonly PublishRefusal _onlyModerators =
        new(ReasonCode.NotAuthorized, "Only moderators write in this room.", "not_allowed");
    private static readonly PublishRefusal _noGuests =
        new(ReasonCode.NotAuthorized, "Guests do not write in this room. Register an account and sign in.", "not_allowed");

    private static readonly PublishRefusal _notTheAuthor =
        new(ReasonCode.NotAuthorized, "Only who said it can edit it.", "not_allowed");
    private static readonly PublishRefusal _tooOld =
        new(ReasonCode.NotAuthorized, "In this room what was said so long ago is not edited any more.", "not_allowed");
    private static readonly PublishRefusal _notBelow = new(
        ReasonCode.NotAuthorized, "Only who said it can delete it, and moderators where they rank above.", "not_allowed");

    /// <summary>Whether the account may know that the room exists.</summary>
    public static bool MaySee(Room room, string accountId) =>
        /* guard: private rooms */ !room.IsDeleted && (!room.Record.IsPrivate || room.IsMember(accountId));

    /// <summary>Whether the account may be told what the room is called and how many are here, as it changes.</summary>
    public static bool MayWatch(Room room, string accountId) =>
        MaySee(room, accountId) && /* guard: who is banned watches nothing */ room.Restraints.BanOf(accountId) is null;

    /// <summary>Whether what was said may be read without coming in: where everybody could come in, and on the list.</summary>
    public static bool MayRead(Room room, Account account) =>
        MayHear(room, account)
        || (IsOpenToAll(room)
            && IsOpenToGuest(room, account)
            && (/* guard: who is banned reads nothing */ room.Restraints.BanOf(account.Id) is null)
            && /* guard: a guest from where one is banned reads nothing */ room.AddressBans.Of(account) is null);

    /// <summary>Whether everybody could come in who is not kept out himself, guests aside.</summary>
    public static bool IsOpenToAll(Room room) =>
        !room.IsDeleted
        && (/* guard: what was said in private is read by members */ !room.Record.IsPrivate)
        && (/* guard: a room that not everybody enters is read by members */ room.Record.Policy.Entry == "open")
        && /* guard: an archived room is read by who is in it */ !room.Record.Policy.Archived;

    /// <summary>Whether what is said is delivered, and who is here is told.</summary>
    public static bool MayHear(Room room, Account account) => !room.IsDeleted && room.IsMember(account.Id) && IsOpenToGuest(room, account);

    /// <summary>Whether the account comes in by itself.</summary>
    /// <param name="isInvited">By an invitation that holds.</param>
    /// <param name="hasLink">By an invite link that holds. It is for nobody in particular: who was kicked waits all the same.</param>
    public static bool MayEnter(Room room, Account account, bool isInvited, bool hasLink = false) =>
        !room.IsDeleted
        && (/* guard: nobody new comes into an archived room */ !room.Record.Policy.Archived)
        && IsOpenToGuest(room, account)
        && WhyKeptOut(room, account, isInvited, hasLink) is null
        && (isInvited
            || hasLink
            || room.OwnerId == account.Id
            || (!room.Record.IsPrivate && /* guard: a room that not everybody enters */ room.Record.Policy.Entry == "open"));

    /// <summary>
    /// Null: no ban keeps the account out, no kick of just now, the room is not archived, and not so quiet that guests do not come.
    /// </summary>
    /// <param name="isInvited">By an invitation that holds: who looks after the room has asked it back.</param>
    /// <param name="hasLink">By an invite link that holds. Of a private room it tells as much as an invitation: that there is one.</param>
    public static PublishRefusal? WhyKeptOut(Room room, Account account, bool isInvited = false, bool hasLink = false) =>
        (/* guard: who is banned does not come in */ room.Restraints.BanOf(account.Id)) is { } ban ? TalkRefusals.Banned(ban)
        : !isInvited && (/* guard: who was kicked waits */ room.Restraints.KickOf(account.Id)) is { } kick
            ? TalkRefusals.Kicked(kick, room.Restraints.Now)
        : room.IsMember(account.Id) ? null
        : (isInvited || hasLink || MaySee(room, account.Id)) && WhyArchived(room) is { } archived ? archived
        : account.IsGuest && !isInvited ? (/* guard: guests do not come into a quiet room */ WhyQuiet(room, account))
        : null;

    /// <summary>Null: the room is not kept quiet, or the account is one that keeps it.</summary>
    public static PublishRefusal? WhyQuiet(Room room, Account account) =>
        room.Record.Policy.QuietUntil is { } until && until > room.Restraints.Now && !IsHost(room, account) ? TalkRefusals.Quiet(until) : null;

    /// <summary>
    /// Whether a guest comes in now, of whom not more come than the room lets in a minute. To be asked as the last: he counts then, once a
    /// minute however often he comes and goes.
    /// </summary>
    /// <param name="isInvited">By an invitation that holds.</param>
    public static bool LetsGuestIn(Room room, Account account, bool isInvited) =>
        !account.IsGuest || isInvited || room.Record.Policy.Guard.GuestsPerMinute is not (> 0 and var most) || room.Guard.TryLetIn(account.Id, most);

    /// <summary>
    /// Null: the account is not muted in the room. Its owner and administrators never are, also where they were before they became it:
    /// nobody ranks above them to lift it.
    /// </summary>
    public static Restriction? MuteOf(Room room, Account account) =>
        room.Restraints.MuteOf(account.Id) is { } mute && RankOf(room, account) < (int)MemberRole.Owner ? mute : null;

    /// <summary>Null: the account is not muted in the room.</summary>
    public static PublishRefusal? WhyMuted(Room room, Account account) =>
        (/* guard: who is muted writes nothing */ MuteOf(room, account)) is { } mute ? TalkRefusals.Muted(mute) : null;

    /// <summary>Null: the room is not archived.</summary>
    public static PublishRefusal? WhyArchived(Room room) =>
        (/* guard: an archived room is read and not written */ room.Record.Policy.Archived) ? TalkRefusals.Archived : null;

    /// <summary>Null: whoever may write in the room at all is not kept from it.</summary>
    public static PublishRefusal? WhySilent(Room room, Account account) => WhyArchived(room) ?? WhyMuted(room, account);

    /// <summary>Whether what devices say in the room is delivered.</summary>
    public static bool MayReadData(Room room, LoginSession session) =>
        MayHear(room, session.Account) && MayUseData(room, session, room.Record.Policy.Data.Read);

    /// <summary>Whether the account itself, by none of its tokens, may read what devices say in the room: what a rule of it says.</summary>
    public static bool MayReadData(Room room, Account account) =>
        MayHear(room, account) && IsAmong(room, account, isToken: false, room.Record.Policy.Data.Read);

    /// <summary>Whether what the login session says on the room's data topics is taken.</summary>
    public static bool MayWriteData(Room room, LoginSession session) =>
        MayHear(room, session.Account)
        && WhySilent(room, session.Account) is null
        && (/* guard: guests that may read alone, data */ !session.Account.IsGuest || room.Record.Policy.Guests == "write")
        && MayUseData(room, session, room.Record.Policy.Data.Write);

    /// <summary>Null: what the account says in the room, in this stay, is taken.</summary>
    public static PublishRefusal? WhyNotPost(Room room, Membership membership, Account account) =>
        WhySilent(room, account) is { } silent ? silent
        : (/* guard: who writes in a quiet room */ WhyQuiet(room, account)) is { } quiet ? quiet
        : (/* guard: who may speak in a room */ room.Record.Policy.Posting == "moderators"
            && membership.Role < MemberRole.Moderator) ? _onlyModerators
        : (/* guard: guests that may read alone */ account.IsGuest && room.Record.Policy.Guests != "write") ? _noGuests
        : null;

    /// <summary>
    /// Null: the account says something in the room now. To be asked once for each message, as the last: who may, waits from then on.
    /// </summary>
    public static PublishRefusal? WhyNotYet(Room room, Account account) => room.Record.Policy.SlowMode is > 0 and var seconds
        && (/* guard: moderators wait for nobody */ !IsHost(room, account))
            ? room.SlowMode.WhyNot(account.Id, seconds) : null;

    /// <summary>Null: the text has no link, or the account has been in the room for long enough.</summary>
    public static PublishRefusal? WhyNoLink(Room room, Membership membership, Account account, GuardedText text) =>
        room.Record.Policy.Guard.NewcomerMinutes is > 0 and var minutes
        && membership.Since?.AddMinutes(minutes) is { } end
        && (/* guard: links of newcomers */ end > room.Restraints.Now)
        && !IsHost(room, account)
        && text.HasLink ? TalkRefusals.NoLinkYet(end) : null;

    /// <summary>
    /// Null: the account has not written the same often enough to be refused. To be asked once for each text, as the last: it counts then.
    /// </summary>
    public static PublishRefusal? WhyNotAgain(Room room, Account account, GuardedText text) =>
        room.Record.Policy.Guard.Repeats is > 0 and var repeats
        && (/* guard: moderators repeat themselves */ !IsHost(room, account))
        && !room.Guard.TrySay(account.Id, text.Fold, repeats) ? TalkRefusals.SaidBefore : null;

    /// <summary>Null: the account may change the text of what was said in the room.</summary>
    /// <param name="author">Account id of who said it.</param>
    /// <param name="age">How long ago.</param>
    public static PublishRefusal? WhyNotEdit(Room room, Membership membership, Account account, string author, TimeSpan age) =>
        (/* guard: only its author edits a message */ author != account.Id) ? _notTheAuthor
        : WhyNotPost(room, membership, account) is { } refusal ? refusal
        : (/* guard: edit window */ room.Record.Policy.EditWindow is >= 0 and var minutes && age > TimeSpan.FromMinutes(minutes)) ? _tooOld
        : null;

    /// <summary>
    /// Null: the account may delete what was said in the room: its own, also where it may not write, and as a moderator that of who
    /// ranks below.
    /// </summary>
    /// <param name="author">Account id of who said it.</param>
    public static PublishRefusal? WhyNotDelete(Room room, Account account, string author) =>
        author == account.Id
        || (/* guard: who deletes what others said */ RankOf(room, account) >= (int)MemberRole.Moderator
            && RankOf(room, account) > RoleRankOf(room, author)) ? null : _notBelow;

    /// <summary>Moderators and who ranks above look after the room.</summary>
    public static bool IsHost(Room room, Account account) => RankOf(room, account) >= (int)MemberRole.Moderator;

    /// <summary>Moderators and who ranks above pin messages.</summary>
    public static bool MayPin(Room room, Account account) => IsHost(room, account);

    /// <summary>
    /// Moderators of a room make what speaks in it by itself, hooks and rules. It speaks for as long as this is true of who made it.
    /// </summary>
    public static bool MayKeepBots(Room room, Account account) =>
        (/* guard: what speaks by itself ends with its maker */ account is { IsErased: false, Ban: null })
        && (/* guard: what speaks by itself is in a room of its maker */ MayHear(room, account))
        && /* guard: who makes what speaks by itself */ RankOf(room, account) >= (int)MemberRole.Moderator;

    /// <summary>Moderators of a room see which devices it has, by which tokens of whom, and what became of them.</summary>
    public static bool MaySeeDevices(Room room, Account account) =>
        MayHear(room, account) && /* guard: who sees a room's devices */ RankOf(room, account) >= (int)MemberRole.Moderator;

    /// <summary>Of those who see devices: their own, and those of who ranks below; administrators rank above all.</summary>
    public static bool MayThrowOut(Room room, Account account, Account owner) =>
        account == owner || /* guard: nobody works the devices of a higher rank */ RankOf(room, account) > RankOf(room, owner);

    /// <summary>Moderators and who ranks above call everybody by `@room`; of others it is text.</summary>
    public static bool MayCallEveryone(Room room, Account account) =>
        /* guard: who calls everybody */ RankOf(room, account) >= (int)MemberRole.Moderator;

    /// <summary>A room's owner asks people in, and administrators do into rooms that they could read as well.</summary>
    public static bool MayInvite(Room room, Account account) =>
        room.OwnerId == account.Id || (account.Profile.IsAdministrator && (!room.Record.IsPrivate || room.IsMember(account.Id)));

    /// <summary>The owner of a room and administrators change and delete it.</summary>
    public static bool MayManage(Room room, Account account) => RankOf(room, account) >= (int)MemberRole.Owner;

    /// <summary>Moderators and who ranks above keep a room quiet for a while, and end it.</summary>
    public static bool MayQuiet(Room room, Account account) => /* guard: who keeps a room quiet */ IsHost(room, account);

    /// <summary>Making a private room public is for its owner alone: for anybody else it were a way to read it.</summary>
    public static bool MayOpen(Room room, Account account) => /* guard: only its owner opens a private room */ room.OwnerId == account.Id;

    /// <summary>A room's owner takes away all of it in a file. Administrators read nothing by their rank.</summary>
    public static bool MayExport(Room room, Account account) => /* guard: who exports a room */ room.OwnerId == account.Id;

    /// <summary>Moderators and who ranks above take people off the list who rank below them.</summary>
    /// <param name="whom">Null: nobody of the name that was given, or nobody on the list.</param>
    public static bool MayRemove(Room room, Account account, Account? whom) =>
        IsHost(room, account)
        && /* guard: nobody acts on a higher rank */ (whom is null || RankOf(room, account) > RoleRankOf(room, whom.Id));

    /// <summary>
    /// Moderators and who ranks above kick, ban and mute who ranks below them, and see who is. Administrators rank above an owner, who may
    /// take them off his list all the same.
    /// </summary>
    /// <param name="whom">Null: nobody yet.</param>
    public static bool MayModerate(Room room, Account account, Account? whom) =>
        IsHost(room, account)
        && /* guard: nobody holds back a higher rank */ (whom is null || RankOf(room, account) > RankOf(room, whom));

    /// <summary>
    /// Whether the account ends what holds somebody back: as it would impose it now, and administrators in any case, also of themselves.
    /// So whatever becomes of ranks, there is somebody who can.
    /// </summary>
    public static bool MayLift(Room room, Account account, Account whom) =>
        account.Profile.IsAdministrator || MayModerate(room, account, whom);

    /// <summary>What somebody has imposed is lifted and changed by who ranks as high as he does now.</summary>
    /// <param name="imposer">Null: it is nobody's any more.</param>
    public static bool MayOverrule(Room room, Account account, Account? imposer) =>
        imposer is not { IsErased: false, Ban: null } || RankOf(room, account) >= RankOf(room, imposer);

    /// <summary>Whether there is any role that the account may give.</summary>
    public static bool MayGiveRoles(Room room, Account account) => IsHost(room, account);

    /// <summary>
    /// Roles are given to who ranks below, and are below one's own; an owner gives his away, and whoever has another may step down.
    /// Nobody takes the owner's: a room changes hands by being given to somebody else.
    /// </summary>
    public static bool MayGive(Room room, Account account, Account whom, MemberRole role)
    {
        var rank = RankOf(room, account);
        if (account == whom && rank < AdministratorRank)
        {
            return rank < (int)MemberRole.Owner && (int)role <= rank;
        }

        return /* guard: a room has an owner until another has it */ room.OwnerId != whom.Id
            && /* guard: nobody gives roles to his like */ rank > RoleRankOf(room, whom.Id)
            && (rank > (int)role || rank == (int)MemberRole.Owner);
    }

    /// <summary>
    /// Who looks after a room sees and decides what was reported of those who rank below, and nobody what was reported of himself.
    /// Administrators see all else, also in rooms that they are not in: who reported it has shown it to them.
    /// </summary>
    /// <param name="author">Whose message was reported; null: it is nobody's any more, or was said by a hook.</param>
    public static bool MayJudge(Room room, Account account, Account? author) =>
        IsHost(room, account)
        && (/* guard: nobody sees what was reported of himself */ author != account)
        && (/* guard: reports are for who ranks above */ author is null
            || account.Profile.IsAdministrator
            || RankOf(room, account) > RankOf(room, author));

    /// <summary>Whether who is not on the list may ask to be let in. What waits as a room is archived, waits on.</summary>
    public static bool TakesRequests(Room room) => room is { IsDeleted: false, Record: { IsPrivate: false, Policy.Entry: "request" } };

    /// <summary>Moderators and who ranks above let people in who ask.</summary>
    public static bool MayAnswerRequests(Room room, Account account) => IsHost(room, account);

    /// <summary>Whether the room lets guests in, if the account is one.</summary>
    public static bool IsOpenToGuest(Room room, Account account) => !account.IsGuest || room.Record.Policy.Guests != "none";

    private static int RankOf(Room room, Account account) =>
        account.Profile.IsAdministrator ? AdministratorRank : RoleRankOf(room, account.Id);

    private static int RoleRankOf(Room room, string accountId) =>
        room.OwnerId == accountId ? (int)MemberRole.Owner : (int)(room.MembershipOf(accountId)?.Role ?? 0);

    // Of a token the verb is asked whatever the policy says.
    private static bool MayUseData(Room room, LoginSession session, string who) =>
        (/* guard: a token's verbs, data */ session.Scope.Allows(room.Id.Value, Verbs.Data))
        && IsAmong(room, session.Account, session.Kind == LoginSessionKind.Token, who);

    private static bool IsAmong(Room room, Account account, bool isToken, string who) =>
        /* guard: who may use data topics */ who switch
        {
            "members" => true,
            "moderators" => RoleRankOf(room, account.Id) >= (int)MemberRole.Moderator,
            "tokens" => isToken,
            _ => false,
        };
}
