using System.Net;
using WebMessenger.Auth.Accounts;

namespace WebMessenger.Auth.Sessions;

/// <content>Login sessions by password of clients that are connected to other nodes, for what this one does for them.</content>
public sealed partial class LoginSessions
{
    /// <summary>
    /// The login session by password that another node has opened: under the same id, so that its end, which all nodes are asked for, is this
    /// one's too. Null: it has ended, or its account may have none.
    /// </summary>
    /// <param name="id">As the other node names it.</param>
    public LoginSession? Borrow(Account account, string id, string clientId, IPAddress? address)
    {
        lock (_gate)
        {
            if (account.IsErased || /* guard: no borrowed login session for who is banned */ account.Ban is not null)
            {
                return null;
            }

            if (_index.Find(id) is { } known)
            {
                return known.Account == account && !known.IsRevoked ? known : null;
            }

            LoginSession session = new(id, LoginSessionKind.Password, account, Scope.Everything, _time.GetUtcNow(), clientId, address?.ToString());
            Remember(session);
            _released.Add(session, session.CreatedAt);
            return session;
        }
    }
}
