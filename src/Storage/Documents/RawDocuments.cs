using System.Text;
using LiteDB;

namespace WebMessenger.Storage.Documents;

/// <summary>A claim as it is stored.</summary>
internal readonly record struct RawClaim(string Scope, string Value, string Owner);

/// <summary>All that is stored of documents, for whoever takes it elsewhere as it is.</summary>
internal static class RawDocuments
{
    /// <summary>The names of the collections that have, or had, a document, in their order.</summary>
    public static Task<List<string>> CollectionsAsync(this DocumentStore store) => store.ReadAsync(database => database.GetCollectionNames()
        .Where(name => name.StartsWith(LiteDocuments.Prefix, StringComparison.Ordinal)).Select(name => name[LiteDocuments.Prefix.Length..])
        .Order(StringComparer.Ordinal).ToList());

    /// <summary>The next claims in the order of scope and value, behind one of them; null: from the first.</summary>
    public static Task<List<RawClaim>> ClaimsAsync(this DocumentStore store, RawClaim? after, int limit) => store.ReadAsync(database =>
    {
        byte[] first = after is { } last ? [.. Encoding.UTF8.GetBytes($"{last.Scope}\0{last.Value}"), 0] : [];
        return database.GetCollection(LiteDocuments.Claims).Find(Query.Between("_id", first, new byte[] { 0xFF }), 0, limit)
            .Select(claim =>
            {
                var key = Encoding.UTF8.GetString(claim["_id"].AsBinary);
                var at = key.IndexOf('\0', StringComparison.Ordinal);
                return new RawClaim(key[..at], key[(at + 1)..], claim["owner"].AsString);
            })
            .ToList();
    });
}
