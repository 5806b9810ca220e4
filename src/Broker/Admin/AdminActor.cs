using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Admin;

/// <summary>Who looks after the server: an administrator by a login session of a page, or the operator at the machine itself.</summary>
/// <param name="Session">Null: the operator, who may all that the server can do.</param>
internal sealed record AdminActor(LoginSession? Session, IPAddress? Address = null)
{
    /// <summary>As the operator is called in what was done. Nobody registers such a user name.</summary>
    public const string OperatorName = "operator";

    public static AdminActor Operator { get; } = new(null, null);

    public string Name => Session?.Account.UserName ?? OperatorName;

    /// <summary>He still is what he was when he asked.</summary>
    public bool IsInOffice => Session is null
        || (/* guard: administrators alone look after the server */ !Session.IsRevoked && Session.Account.Profile.IsAdministrator && Session.Account.Ban is null);

    /// <summary>Whether he may do something to the account: never to another administrator (decision 22).</summary>
    public bool MayTouch(Account whom) => IsInOffice && (Session is null || /* guard: no administrator is another's */ !whom.Profile.IsAdministrator);
}
