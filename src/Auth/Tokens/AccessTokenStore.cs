using System.Collections.Frozen;
using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Storage;

namespace WebMessenger.Auth.Tokens;

/// <summary>Access tokens in the document store: hashes only (attack 32).</summary>
internal sealed class AccessTokenStore(DocumentStore store)
{
    private const string Collection = "accessTokens";

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

    public Task AddAsync(LoginSession token) => store.WriteAsync(database => { database.GetCollection(Collection).Insert(Write(token)); });

    public Task RemoveAsync(IReadOnlyCollection<LoginSession> tokens) => store.WriteAsync(database =>
    {
        foreach (var token in tokens)
        {
            database.GetCollection(Collection).Delete(token.Id);
        }
    });

    /// <summary>When and where from. An update, not an upsert: one that was revoked meanwhile does not come back.</summary>
    public Task TouchAsync(IReadOnlyCollection<LoginSession> tokens) =>
        store.WriteAsync(database => { database.GetCollection(Collection).Update(tokens.Select(Write)); });

    private static BsonDocument Write(LoginSession token) => new()
    {
        ["_id"] = token.Id,
        ["account"] = token.Account.Id,
        ["name"] = token.Device,
        ["secret"] = token.SecretHash!.Value.ToBytes(),
        ["rooms"] = token.Scope.Rooms is { } rooms ? new BsonArray(rooms.Select(room => new BsonValue(room))) : BsonValue.Null,
        ["verbs"] = (int)token.Scope.Verbs,
        ["created"] = token.CreatedAt.ToUnixTimeMilliseconds(),
        ["expires"] = token.ExpiresAt is { } expires ? expires.ToUnixTimeMilliseconds() : BsonValue.Null,
        ["lastSeen"] = token.LastSeen.ToUnixTimeMilliseconds(),
        ["address"] = token.Address is { } address ? address : BsonValue.Null,
    };

    private static LoginSession Read(BsonDocument document, Account account)
    {
        var lastSeen = DateTimeOffset.FromUnixTimeMilliseconds(document["lastSeen"].AsInt64);
        return new LoginSession(
            document["_id"].AsString,
            LoginSessionKind.Token,
            account,
            new Scope(
                document["rooms"].IsNull ? null : document["rooms"].AsArray.Select(room => room.AsString).ToFrozenSet(),
                (Verbs)document["verbs"].AsInt32),
            DateTimeOffset.FromUnixTimeMilliseconds(document["created"].AsInt64),
            document["name"].AsString,
            document["address"].IsNull ? null : document["address"].AsString)
        {
            SecretHash = SecretHash.FromBytes(document["secret"].AsBinary),
            LastSeen = lastSeen,
            StoredLastSeen = lastSeen,
            ExpiresAt = document["expires"].IsNull ? null : DateTimeOffset.FromUnixTimeMilliseconds(document["expires"].AsInt64),
        };
    }
}
