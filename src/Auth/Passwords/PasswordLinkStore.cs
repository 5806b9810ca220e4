using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Passwords;

/// <summary>Password links in the document store, one for an account: the next one takes the place of the one before.</summary>
internal sealed class PasswordLinkStore(DocumentStore store)
{
    private const string Links = "passwordLinks";

    /// <param name="find">Null: there is no such account any more.</param>
    /// <returns>Also what is over, so that somebody removes it; the link is null where its account is gone.</returns>
    public Task<IReadOnlyList<(string Account, DateTimeOffset ExpiresAt, PasswordLink? Link)>> ReadAllAsync(Func<string, Account?> find) =>
        store.ReadAsync<IReadOnlyList<(string, DateTimeOffset, PasswordLink?)>>(database =>
            database.GetCollection(Links).FindAll().ToList().ConvertAll(document => Read(document, find)));

    public Task PutAsync(PasswordLink link) => store.WriteAsync(database =>
    {
        database.GetCollection(Links).Upsert(new BsonDocument
        {
            ["_id"] = link.Account.Id,
            ["secret"] = link.SecretHash.ToBytes(),
            ["expires"] = link.ExpiresAt.ToUnixTimeMilliseconds(),
            ["password"] = link.PasswordStamp,
        });
    });

    public Task RemoveAsync(IReadOnlyCollection<string> accounts) => store.WriteAsync(database =>
    {
        foreach (var account in accounts)
        {
            database.GetCollection(Links).Delete(account);
        }
    });

    public Task RemoveAllAsync() => store.WriteAsync(database =>
    {
        database.GetCollection(Links).DeleteAll();
    });

    private static (string Account, DateTimeOffset ExpiresAt, PasswordLink? Link) Read(BsonDocument document, Func<string, Account?> find)
    {
        var (id, expires) = (document["_id"].AsString, DateTimeOffset.FromUnixTimeMilliseconds(document["expires"].AsInt64));
        return (id, expires, find(id) is not { } account ? null : new PasswordLink(account, expires, document["password"].AsString)
        {
            SecretHash = SecretHash.FromBytes(document["secret"].AsBinary),
        });
    }
}
