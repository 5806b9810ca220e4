using System.Collections.Frozen;
using LiteDB;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Sessions;

/// <summary>Login sessions and access tokens where version 0.1 kept them: in two collections of the document store.</summary>
internal sealed class FormerSessions(DocumentStore store)
{
    private const string Browsers = "loginSessions";
    private const string Tokens = "accessTokens";

    /// <summary>All there are, those of accounts that are gone too.</summary>
    public Task<List<SessionRecord>> ReadAllAsync() => store.ReadAsync(database =>
        database.GetCollection(Browsers).FindAll().Select(document => Read(document, LoginSessionKind.Browser))
            .Concat(database.GetCollection(Tokens).FindAll().Select(document => Read(document, LoginSessionKind.Token)))
            .ToList());

    /// <summary>Removes all of them, for good. The caller has them elsewhere, synced.</summary>
    public async Task RemoveAllAsync()
    {
        // Looked at first: a start that finds nothing writes nothing.
        if (await store.ReadAsync(database => database.GetCollection(Browsers).Count() + database.GetCollection(Tokens).Count() > 0))
        {
            await store.WriteAsync(database =>
            {
                // Not the collections themselves: LiteDB 5.0 drops none in a transaction.
                database.GetCollection(Browsers).DeleteAll();
                database.GetCollection(Tokens).DeleteAll();
            });
        }
    }

    private static SessionRecord Read(BsonDocument document, LoginSessionKind kind) => new(
        document["_id"].AsString,
        document["account"].AsString,
        kind,
        SecretHash.FromBytes(document["secret"].AsBinary),
        kind == LoginSessionKind.Browser
            ? Scope.Everything
            : new Scope(
                document["rooms"].IsNull ? null : document["rooms"].AsArray.Select(room => room.AsString).ToFrozenSet(),
                (Verbs)document["verbs"].AsInt32),
        At(document["created"]),
        At(document["lastSeen"]),
        document["expires"].IsNull ? null : At(document["expires"]),
        document[kind == LoginSessionKind.Browser ? "device" : "name"].AsString,
        document["address"].IsNull ? null : document["address"].AsString);

    private static DateTimeOffset At(BsonValue milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds.AsInt64);
}
