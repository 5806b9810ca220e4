using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Sessions;

/// <summary>Login sessions of one kind in the document store; what differs between kinds is how one is written and read.</summary>
internal abstract class SessionCollection(DocumentStore store, string name)
{
    /// <summary>Those of accounts that are gone are dropped.</summary>
    public Task<List<LoginSession>> ReadAllAsync(Func<string, Account?> find) => store.WriteAsync(database =>
    {
        var collection = database.GetCollection(name);
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

    public Task AddAsync(LoginSession session) => store.WriteAsync(database => { database.GetCollection(name).Insert(Write(session)); });

    public Task RemoveAsync(IReadOnlyCollection<LoginSession> sessions) => store.WriteAsync(database =>
    {
        foreach (var session in sessions)
        {
            database.GetCollection(name).Delete(session.Id);
        }
    });

    public Task RemoveOfAsync(Account account) =>
        store.WriteAsync(database => { database.GetCollection(name).DeleteMany(Query.EQ("account", account.Id)); });

    /// <summary>When, where from and until when. An update, not an upsert: one that ended meanwhile does not come back.</summary>
    public Task TouchAsync(IReadOnlyCollection<LoginSession> sessions) =>
        store.WriteAsync(database => { database.GetCollection(name).Update(sessions.Select(Write)); });

    protected abstract BsonDocument Write(LoginSession session);

    protected abstract LoginSession Read(BsonDocument document, Account account);
}
