using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>The one place that says who may do what in a room: HTTP, SUBSCRIBE, PUBLISH and delivery all ask here. What nothing here
/// allows is not allowed.</summary>
/// <remarks>
/// A look at a few fields in memory: the log thread may ask. What an access token is limited to is asked beside, for that is no matter
/// of the room.
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

    /// <summary>Whether the account may know that the room exists.</summary>
    public static bool MaySee(Room room, string accountId) =>
        /* guard: private rooms */ !room.IsDeleted && (!room.Record.IsPrivate || room.IsMember(accountId));

    /// <summary>Whether what was said may be read without coming in: where everybody could come in, and on the list.</summary>
    public static bool MayRead(Room room, Account account) =>
        MayHear(room, account) || (MaySee(room, account.Id) && room.Record.Policy.Entry == "open" && IsOpenToGuest(room, account));

    /// <summary>Whether what is said is delivered, and who is here is told.</summary>
    public static bool MayHear(Room room, Account account) => !room.IsDeleted && room.IsMember(account.Id) && IsOpenToGuest(room, account);

    /// <summary>Whether the account comes in by itself.</summary>
    /// <param name="isInvited">By an invitation that holds.</param>
    public static bool MayEnter(Room room, Account account, bool isInvited) =>
        !room.IsDeleted
        && IsOpenToGuest(room, account)
        && (isInvited
            || room.OwnerId == account.Id
            || (!room.Record.IsPrivate && /* guard: a room that not everybody enters */ room.Record.Policy.Entry == "open"));

    /// <summary>Null: what the account says in the room, in this stay, is taken.</summary>
    public static PublishRefusal? WhyNotPost(Room room, Membership membership, Account account) =>
        (/* guard: who may speak in a room */ room.Record.Policy.Posting == "moderators"
            && membership.Role < MemberRole.Moderator) ? _onlyModerators
        : (/* guard: guests that may read alone */ account.IsGuest && room.Record.Policy.Guests != "write") ? _noGuests
        : null;

    /// <summary>A room's owner asks people in, and administrators do into rooms that they could read as well.</summary>
    public static bool MayInvite(Room room, Account account) =>
        room.OwnerId == account.Id || (account.Profile.IsAdministrator && (!room.Record.IsPrivate || room.IsMember(account.Id)));

    /// <summary>The owner of a room and administrators change and delete it.</summary>
    public static bool MayManage(Room room, Account account) => RankOf(room, account) >= (int)MemberRole.Owner;

    /// <summary>Making a private room public is for its owner alone: for anybody else it were a way to read it.</summary>
    public static bool MayOpen(Room room, Account account) => /* guard: only its owner opens a private room */ room.OwnerId == account.Id;

    /// <summary>Moderators and who ranks above take people off the list who rank below them.</summary>
    /// <param name="whom">Null: nobody of the name that was given, or nobody on the list.</param>
    public static bool MayRemove(Room room, Account account, Account? whom) =>
        RankOf(room, account) >= (int)MemberRole.Moderator
        && /* guard: nobody acts on a higher rank */ (whom is null || RankOf(room, account) > RoleRankOf(room, whom));

    /// <summary>Whether there is any role that the account may give.</summary>
    public static bool MayGiveRoles(Room room, Account account) => RankOf(room, account) >= (int)MemberRole.Moderator;

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
            && /* guard: nobody gives roles to his like */ rank > RoleRankOf(room, whom)
            && (rank > (int)role || rank == (int)MemberRole.Owner);
    }

    private static int RankOf(Room room, Account account) =>
        account.Profile.IsAdministrator ? AdministratorRank : RoleRankOf(room, account);

    private static int RoleRankOf(Room room, Account account) =>
        room.OwnerId == account.Id ? (int)MemberRole.Owner : (int)(room.MembershipOf(account.Id)?.Role ?? 0);

    private static bool IsOpenToGuest(Room room, Account account) => !account.IsGuest || room.Record.Policy.Guests != "none";
}
