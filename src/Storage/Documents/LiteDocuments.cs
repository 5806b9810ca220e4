using System.Text;
using LiteDB;

namespace WebMessenger.Storage.Documents;

/// <summary><see cref="IDocuments"/> in LiteDB: each commit is a transaction on the store's one thread, so that what is looked at there
/// is still so when it is changed.</summary>
/// <remarks>
/// Ids and claims are keys of bytes, for LiteDB compares strings as a language does: it would take some that differ for one. A document
/// is {_id, v: its version, j: its JSON}.
/// </remarks>
internal sealed class LiteDocuments(DocumentStore store, DocumentFeed feed) : IDocuments
{
    // Version 0.1 had collections of the same names without it.
    internal const string Prefix = "doc_";

    internal const string Claims = "claims";

    // No byte of UTF-8 is as high, so this ends all that begins with a prefix.
    private const byte Highest = 0xFF;

    public Task<Document?> GetAsync(string collection, string id)
    {
        DocumentRules.ThrowIfNoName(collection);
        DocumentRules.ThrowIfNoText(id, DocumentLimits.Id);
        return store.ReadAsync(database => Find(database, collection, id) is { } found ? Read(found) : null);
    }

    public Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "")
    {
        DocumentRules.ThrowIfNoName(collection);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, DocumentLimits.Page);
        var first = Encoding.UTF8.GetBytes(prefix);
        byte[] last = [.. first, Highest];
        if (after is not null && Encoding.UTF8.GetBytes(after) is var previous && previous.AsSpan().SequenceCompareTo(first) >= 0)
        {
            // No key lies between a key and the same with a zero behind it.
            first = [.. previous, 0];
        }

        return store.ReadAsync<IReadOnlyList<Document>>(database =>
            [.. database.GetCollection(Prefix + collection).Find(Query.Between("_id", first, last), 0, limit).Select(Read)]);
    }

    public Task<string?> OwnerAsync(string scope, string value)
    {
        DocumentRules.ThrowIfNoName(scope);
        DocumentRules.ThrowIfNoText(value, DocumentLimits.ClaimedValue);
        return store.ReadAsync(database => OwnerOf(database, scope, value));
    }

    public Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes)
    {
        DocumentChange.ThrowIfForbidden(changes);
        List<DocumentChanged> made = [];
        return store.WriteAsync(database => Commit(database, changes, made), () => feed.Tell(made));
    }

    public DocumentFollower Follow() => feed.Follow();

    /// <summary>For the store's thread, in a transaction. Looks at everything before it changes anything: with a conflict there is
    /// nothing to undo.</summary>
    private static CommitOutcome Commit(ILiteDatabase database, IReadOnlyList<DocumentChange> changes, List<DocumentChanged> made)
    {
        var versions = changes.Select(change => change switch
        {
            DocumentChange.Put put => VersionOf(database, put.Collection, put.Id),
            DocumentChange.Delete delete => VersionOf(database, delete.Collection, delete.Id),
            _ => 0,
        }).ToList();
        var conflicts = changes.Select((change, i) => ConflictOf(database, change, versions[i])).OfType<DocumentConflict>().ToList();
        if (conflicts.Count > 0)
        {
            return new CommitOutcome(conflicts);
        }

        for (var i = 0; i < changes.Count; i++)
        {
            if (Make(database, changes[i], versions[i]) is { } changed)
            {
                made.Add(changed);
            }
        }

        return CommitOutcome.Done;
    }

    private static DocumentConflict? ConflictOf(ILiteDatabase database, DocumentChange change, long version) =>
        DocumentRules.ConflictOf(change, version, change is DocumentChange.Claim claim ? OwnerOf(database, claim.Scope, claim.Value) : null);

    private static DocumentChanged? Make(ILiteDatabase database, DocumentChange change, long version)
    {
        switch (change)
        {
            case DocumentChange.Put put:
                Put(database, put.Collection, put.Id, version + 1, put.Json.ToArray());
                return new DocumentChanged(put.Collection, put.Id, version + 1);
            case DocumentChange.Delete delete when version > 0:
                database.GetCollection(Prefix + delete.Collection).Delete(Encoding.UTF8.GetBytes(delete.Id));
                return new DocumentChanged(delete.Collection, delete.Id, 0);
            case DocumentChange.Claim claim:
                PutClaim(database, claim.Scope, claim.Value, claim.Owner);
                return null;
            case DocumentChange.GiveBack given when OwnerOf(database, given.Scope, given.Value) == given.Owner:
                database.GetCollection(Claims).Delete(ClaimKey(given.Scope, given.Value));
                return null;
            default:
                return null;
        }
    }

    internal static void Put(ILiteDatabase database, string collection, string id, long version, byte[] json) =>
        database.GetCollection(Prefix + collection).Upsert(new BsonDocument { ["_id"] = Encoding.UTF8.GetBytes(id), ["v"] = version, ["j"] = json });

    internal static void PutClaim(ILiteDatabase database, string scope, string value, string owner) =>
        database.GetCollection(Claims).Upsert(new BsonDocument { ["_id"] = ClaimKey(scope, value), ["owner"] = owner });

    internal static string? OwnerOf(ILiteDatabase database, string scope, string value) =>
        database.GetCollection(Claims).FindById(ClaimKey(scope, value))?["owner"].AsString;

    private static byte[] ClaimKey(string scope, string value) => Encoding.UTF8.GetBytes(scope + "\0" + value);

    private static BsonDocument? Find(ILiteDatabase database, string collection, string id) =>
        database.GetCollection(Prefix + collection).FindById(Encoding.UTF8.GetBytes(id));

    private static long VersionOf(ILiteDatabase database, string collection, string id) => Find(database, collection, id)?["v"].AsInt64 ?? 0;

    private static Document Read(BsonDocument document) => new(Encoding.UTF8.GetString(document["_id"].AsBinary), document["v"].AsInt64, document["j"].AsBinary);
}
