using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/members` and `/people`: who is on a room's list, and who is here.</summary>
internal static class RoomPeopleApi
{
    private const int MembersPerPage = 100;
    private const int PeoplePerPage = 100;
    private const int LongestPage = 200;
    private const int LongestSearch = 100;

    public static void Map(RouteGroupBuilder rooms)
    {
        rooms.MapGet("{room}/members", Members).TakesAnswerSlot();
        rooms.MapPut("{room}/members/{user}", AddMemberAsync);
        rooms.MapDelete("{room}/members/{user}", RemoveMemberAsync);
        rooms.MapGet("{room}/people", People).TakesAnswerSlot();
    }

    private static async Task<IResult> AddMemberAsync(
        string room,
        string user,
        RoomDirectory rooms,
        RoomMembers members,
        RoomInvitations invitations,
        AccountDirectory accounts,
        HttpContext context)
    {
        var who = context.SignedIn();
        var isMe = IsMe(user, who);
        if (RoomsApi.Visible(room, rooms, context, isMe ? invitations : null) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (isMe)
        {
            await members.JoinAsync(found, who.Account, byItself: true);
            return found.IsMember(who.Account.Id) ? TypedResults.NoContent()
                : members.WhyNotIn(found, who.Account) is var why
                    && (why == TalkRefusals.RoomFull
                        || (why != PublishRefusal.NoSuchRoom
                            && (RoomPolicy.MaySee(found, who.Account.Id) || invitations.IsInvited(found, who.Account))))
                    ? RoomProblems.Of(why, context)
                : RoomPolicy.MaySee(found, who.Account.Id) || RoomPolicy.MayManage(found, who.Account)
                    ? RoomProblems.Forbidden("not_allowed", "Only who is invited comes into this room, and guests where it lets them.")
                : RoomProblems.NoSuchRoom();
        }

        // Before the name is looked up: whoever may not invite learns nothing of names (fault S13).
        if (!RoomsApi.IsWhole(who) || !RoomPolicy.MayInvite(found, who.Account))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room can invite somebody.");
        }

        // Nobody can have it, which everybody can know: it tells of no one, and costs no invitation.
        if (!UserName.TryParse(user, out _))
        {
            return Problems.Field("user", "invalid", "A user name has 1 to 32 of a-z, 0-9, '.', '-' and '_', and begins with a letter or digit.");
        }

        return await invitations.InviteAsync(found, accounts.FindByUserName(user), who.Account) switch
        {
            RoomChange.Done => TypedResults.NoContent(),
            RoomChange.Invited => TypedResults.Json(new Invited(true), RoomsJson.Default.Invited, statusCode: StatusCodes.Status202Accepted),
            var refused => Refused(refused, invitations, context),
        };
    }

    private static async Task<IResult> RemoveMemberAsync(
        string room,
        string user,
        RoomDirectory rooms,
        RoomMembers members,
        RoomInvitations invitations,
        AccountDirectory accounts,
        HttpContext context)
    {
        var who = context.SignedIn();
        var isMe = IsMe(user, who);
        if (RoomsApi.Visible(room, rooms, context, isMe ? invitations : null) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!RoomsApi.IsWhole(who) || (!isMe && !RoomPolicy.MayRemove(found, who.Account, null)))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room and moderators can remove somebody else, and a limited access token nobody.");
        }

        var account = isMe ? who.Account : accounts.FindByUserName(user);
        if (found.Record.IsPrivate && account is not null && found.OwnerId == account.Id)
        {
            return isMe || RoomPolicy.MayRemove(found, who.Account, account)
                ? OwnerStays()
                : RoomProblems.Forbidden("not_allowed", "Nobody removes who ranks as high.");
        }

        if (account is not null
            && await members.LeaveAsync(found, account, byItself: isMe, isMe ? null : who.Account) is var left and not RoomChange.NotFound)
        {
            return left == RoomChange.Done ? TypedResults.NoContent()
                : left == RoomChange.OwnerStays ? OwnerStays()
                : left == RoomChange.Muted && RoomPolicy.WhyMuted(found, who.Account) is { } muted ? RoomProblems.Of(muted, context)
                : RoomProblems.Forbidden("not_allowed", "Nobody removes who ranks as high.");
        }

        if (isMe)
        {
            return await invitations.DeclineAsync(found, who.Account) ? TypedResults.NoContent()
                : RoomProblems.NotFound("no_such_member", "There is no such member in this room.");
        }

        // Who takes people off the list and asks nobody in: there is nobody to take off.
        if (!RoomPolicy.MayManage(found, who.Account))
        {
            return TypedResults.NoContent();
        }

        // One answer, whether somebody of that name was invited, was not, or does not exist (fault S13).
        var withdrawn = await invitations.WithdrawAsync(found, account, who.Account);
        if (withdrawn == RoomChange.Done && account is not null)
        {
            // Who came in by the invitation between the two is taken off: by now there is none to come back by.
            // guard: who comes in by an invitation that is taken back
            await members.LeaveAsync(found, account, byItself: false, who.Account);
        }

        return withdrawn == RoomChange.Done ? TypedResults.NoContent() : Refused(withdrawn, invitations, context);
    }

    private static IResult Members(
        string room, string? role, string? after, string? limit, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        if (RoomsApi.Visible(room, rooms, context) is not { } found || /* guard: the list of members is the members' */ !RoomPolicy.MayHear(found, context.SignedIn().Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        if (PageLength.Read(limit, MembersPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 members.");
        }

        if ((role is null ? MemberRole.Member : MemberRoles.Parse(role)) is not { } least)
        {
            return Problems.Field("role", "invalid", "\"role\" is one of: owner, moderator, member.");
        }

        // One more than is shown tells whether there are more.
        var members = found.Members
            .Where(member => member.Value.Role >= least)
            .Select(member => accounts.Find(member.Key))
            .OfType<Account>()
            .Where(account => after is null || string.CompareOrdinal(account.UserName, after) > 0)
            .OrderBy(account => account.UserName, StringComparer.Ordinal)
            .Take(most + 1)
            .ToList();
        var shown = members.Take(most).ToArray();
        return TypedResults.Json(
            new MemberList(
                [.. shown.Select(account => new MemberView(account.UserName, account.DisplayName, KindOf(account), found.OwnerId == account.Id, RoleOf(found, account)))],
                members.Count > most ? shown[^1].UserName : null),
            RoomsJson.Default.MemberList);
    }

    // Without any of the three it is everybody at once, as version 1 began.
    private static IResult People(string room, string? search, string? after, string? limit, RoomDirectory rooms, HttpContext context)
    {
        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        // Who is here is told to members alone, in public rooms too.
        if (!RoomPolicy.MayHear(found, context.SignedIn().Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        var isWhole = search is null && after is null && limit is null;
        if (PageLength.Read(limit, PeoplePerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 people.");
        }

        if (search is { Length: > LongestSearch })
        {
            return Problems.Field("search", "too_long", "At most 100 characters are looked for.");
        }

        var words = SearchText.WordsOf(search);
        var here = found.SnapshotPresence().Where(present => SearchText.HasAll(present.Place, words) && (after is null || string.CompareOrdinal(present.Place, after) > 0));

        // One more than is shown tells whether there are more.
        var people = (isWhole ? here.OrderBy(present => present.Place, StringComparer.Ordinal) : here.Order(PresentAccount.ByPlace).Take(most + 1)).ToList();
        var shown = isWhole ? people : people.Take(most).ToList();
        return TypedResults.Json(
            new PeopleList(
                [.. shown.Select(present => new PersonView(present.ShownAs.User, present.ShownAs.Name, present.ShownAs.Kind, Timestamps.Format(present.Since)))],
                people.Count > shown.Count ? shown[^1].Place : null),
            RoomsJson.Default.PeopleList);
    }

    private static ProblemHttpResult OwnerStays() => RoomProblems.Conflict(
        "owner_leaves", "The owner of a private room stays in it: make it public, give it away or delete it instead.");

    private static bool IsMe(string user, LoginSession who) => user == "me" || (UserName.TryParse(user, out var name) && name.Value == who.Account.UserName);

    private static string RoleOf(Room room, Account account) => MemberRoles.NameOf(room.MembershipOf(account.Id)?.Role ?? MemberRole.Member);

    private static string KindOf(Account account) => account.IsGuest ? "guest" : "person";

    internal static ProblemHttpResult Refused(RoomChange outcome, RoomInvitations invitations, HttpContext context) => outcome == RoomChange.TriedTooOften
        ? RoomProblems.TooOften(
            "too_many_invitations",
            "You have invited, or taken back, as many people today as you may. Try again later.",
            invitations.WaitForNext(context.SignedIn().Account),
            context)
        : RoomsApi.Refused(outcome);
}
