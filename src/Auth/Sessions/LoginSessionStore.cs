using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Storage;
using WebMessenger.Auth.Tokens;

namespace WebMessenger.Auth.Sessions;

/// <summary>Browsers' login sessions in the document store. Those of passwords live as long as the process: their client signs in again by itself.</summary>
internal sealed class LoginSessionStore(DocumentStore store)
{
    private const string Collection = "loginSessions";

    /// <summary>Those of accounts that are gone are dropped.</summary>
    public Task<List<LoginSession>> ReadAllAsync(Func<string, Account?> find) => store.WriteAsync(database =>
    {
        var collection = database.GetCollection(Collection);
        List<LoginSession> sessions = [];
        foreach (var document in collection.FindAll().ToList())
        {
            if (find(document["account"].AsString) is { } account)
            {
                sessions.Add(Read(document, account));
            }
            else
            {
                collection.Delete(document["_id"]);
            }
        }

        return sessions;
    });

    public Task AddAsync(LoginSession session) => store.WriteAsync(database => { database.GetCollection(Collection).Insert(Write(session)); });

    public Task RemoveAsync(IReadOnlyCollection<LoginSession> sessions) => store.WriteAsync(database =>
    {
        foreach (var session in sessions)
        {
            database.GetCollection(Collection).Delete(session.Id);
        }
    });

    /// <summary>When, where from and until when. One that ended meanwhile does not come back: an update, not an upsert.</summary>
    public Task TouchAsync(IReadOnlyCollection<LoginSession> sessions) =>
        store.WriteAsync(database => { database.GetCollection(Collection).Update(sessions.Select(Write)); });

    private static BsonDocument Write(LoginSession session) => new()
    {
        ["_id"] = session.Id,
        ["account"] = session.Account.Id,
        ["secret"] = session.SecretHash!.Value.ToBytes(),
        ["created"] = session.CreatedAt.ToUnixTimeMilliseconds(),
        ["lastSeen"] = session.LastSeen.ToUnixTimeMilliseconds(),
        ["expires"] = session.ExpiresAt!.Value.ToUnixTimeMilliseconds(),
        ["device"] = session.Device,
        ["address"] = session.Address is { } address ? address : BsonValue.Null,
    };

    private static LoginSession Read(BsonDocument document, Account account)
    {
        var lastSeen = DateTimeOffset.FromUnixTimeMilliseconds(document["lastSeen"].AsInt64);
        return new LoginSession(
            document["_id"].AsString,
            LoginSessionKind.Browser,
            account,
            Scope.Everything,
            DateTimeOffset.FromUnixTimeMilliseconds(document["created"].AsInt64),
            document["device"].AsString,
            document["address"].IsNull ? null : document["address"].AsString)
        {
            SecretHash = SecretHash.FromBytes(document["secret"].AsBinary),
            LastSeen = lastSeen,
            StoredLastSeen = lastSeen,
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(document["expires"].AsInt64),
        };
    }
}
