using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Events;

/// <summary>The `from` of an event: who, as they were called then, and in what capacity.</summary>
/// <param name="Kind">`person`, `guest` or `bot` (signed in by an access token).</param>
internal sealed record Author(string AccountId, string User, string Name, string Kind)
{
    public static Author Of(LoginSession session) => Of(session.Account, KindOf(session));

    public static Author Of(Account account, string kind)
    {
        var profile = account.Profile;
        return new Author(account.Id, profile.UserName, PlainLine.Of(profile.DisplayName), kind);
    }

    public static string KindOf(LoginSession session) => session.Kind == LoginSessionKind.Token ? "bot" : session.Account.IsGuest ? "guest" : "person";
}
