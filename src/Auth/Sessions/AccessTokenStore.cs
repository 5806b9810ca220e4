using System.Collections.Frozen;
using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Sessions;

/// <summary>Access tokens in the document store: hashes only (attack 32).</summary>
internal sealed class AccessTokenStore(DocumentStore store) : SessionCollection(store, "accessTokens")
{
    protected override BsonDocument Write(LoginSession session) => new()
    {
        ["_id"] = session.Id,
        ["account"] = session.Account.Id,
        ["name"] = session.Device,
        ["secret"] = session.SecretHash!.Value.ToBytes(),
        ["rooms"] = session.Scope.Rooms is { } rooms ? new BsonArray(rooms.Select(room => new BsonValue(room))) : BsonValue.Null,
        ["verbs"] = (int)session.Scope.Verbs,
        ["created"] = session.CreatedAt.ToUnixTimeMilliseconds(),
        ["expires"] = session.ExpiresAt is { } expires ? expires.ToUnixTimeMilliseconds() : BsonValue.Null,
        ["lastSeen"] = session.LastSeen.ToUnixTimeMilliseconds(),
        ["address"] = session.Address is { } address ? address : BsonValue.Null,
    };

    protected override LoginSession Read(BsonDocument document, Account account)
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
