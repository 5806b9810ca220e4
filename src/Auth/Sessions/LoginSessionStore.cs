using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Sessions;

/// <summary>Browsers' login sessions in the document store. Those of passwords are made anew by their client, or from the note kept with its MQTT session.</summary>
internal sealed class LoginSessionStore(DocumentStore store) : SessionCollection(store, "loginSessions")
{
    protected override BsonDocument Write(LoginSession session) => new()
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

    protected override LoginSession Read(BsonDocument document, Account account)
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
