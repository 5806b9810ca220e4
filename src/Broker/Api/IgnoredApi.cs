using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/ignored`: whom the caller ignores. Only by the cookie: no program ignores people in somebody's name.</summary>
internal static class IgnoredApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var ignored = routes.MapApi("/api/ignored").WithTags("Conversations").RequireCookie();
        ignored.MapGet("", List).TakesAnswerSlot().WithDescription("Whom you ignore, by user name.");
        ignored.MapPut("{user}", PutAsync).WithDescription("From now on you hear nothing of what this person says or invites you to. Nobody is told.");
        ignored.MapDelete("{user}", DeleteAsync).WithDescription("You hear this person again.");
    }

    private static JsonHttpResult<IgnoredList> List(IgnoredPeople ignored, AccountDirectory accounts, HttpContext context)
    {
        List<IgnoredView> views = [];
        foreach (var (id, since) in ignored.Of(context.SignedIn().Account.Id))
        {
            if (accounts.Find(id) is { IsErased: false } account)
            {
                views.Add(new IgnoredView(account.UserName, PlainLine.Of(account.DisplayName), Timestamps.Format(since)));
            }
        }

        views.Sort((one, other) => string.CompareOrdinal(one.User, other.User));
        return TypedResults.Json(new IgnoredList(views), TalkJson.Default.IgnoredList);
    }

    private static async Task<IResult> PutAsync(
        string user, IgnoredPeople ignored, AccountDirectory accounts, RoomDirectory rooms, Conversations conversations, HttpContext context)
    {
        var me = context.SignedIn().Account;
        if (accounts.FindByUserName(user) is not { IsErased: false } other
            || !(/* guard: of who is banned as little is said as of nobody, ignoring */ conversations.IsSomebody(rooms.InboxOf(me).With(other))))
        {
            return RoomProblems.NotFound("no_such_user", "There is nobody of that user name.");
        }

        if (other == me)
        {
            return Problems.Field("user", "invalid", "Nobody ignores himself.");
        }

        return await ignored.AddAsync(me.Id, other.Id)
            ? TypedResults.NoContent()
            : RoomProblems.Conflict("too_many", "You ignore as many people as one may.");
    }

    private static async Task<IResult> DeleteAsync(string user, IgnoredPeople ignored, AccountDirectory accounts, HttpContext context)
    {
        if (accounts.FindByUserName(user) is { } other)
        {
            await ignored.RemoveAsync(context.SignedIn().Account.Id, other.Id);
        }

        return TypedResults.NoContent();
    }
}
