using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace WebMessenger.Storage.Documents;

/// <summary>Reading and writing documents as objects, and collections as a whole; the same over every implementation.</summary>
public static class DocumentsReading
{
    /// <summary>All documents by id, a page at a time: what is changed meanwhile is seen or not.</summary>
    /// <param name="prefix">Only ids that begin with it.</param>
    public static async IAsyncEnumerable<Document> AllAsync(this IDocuments documents, string collection, string prefix = "")
    {
        var reading = documents.PageAsync(collection, null, DocumentLimits.Page, prefix);
        for (var isLast = false; !isLast;)
        {
            var page = await reading;
            isLast = page.Count < DocumentLimits.Page;
            if (!isLast)
            {
                // Read on the store's thread while the caller deals with this one: a start reads all there is.
                reading = documents.PageAsync(collection, page[^1].Id, DocumentLimits.Page, prefix);
            }

            foreach (var document in page)
            {
                yield return document;
            }
        }
    }

    /// <exception cref="InvalidDataException">The document is of another shape.</exception>
    public static T As<T>(this Document document, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(document.Json.Span, type) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"The document '{document.Id}' is not what it should be: {error.Message}", error);
        }
    }

    /// <inheritdoc cref="DocumentChange.Put"/>
    public static DocumentChange Put<T>(string collection, string id, long? expected, T value, JsonTypeInfo<T> type) =>
        new DocumentChange.Put(collection, id, expected, JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Makes changes that have no condition, more than one commit takes if need be.</summary>
    public static async Task CommitAllAsync(this IDocuments documents, IEnumerable<DocumentChange> changes)
    {
        foreach (var some in changes.Chunk(DocumentLimits.Changes))
        {
            (await documents.CommitAsync(some)).OrThrow();
        }
    }

    /// <summary>For changes that no other caller can be in the way of.</summary>
    public static void OrThrow(this CommitOutcome outcome)
    {
        if (!outcome.IsDone)
        {
            throw new InvalidOperationException($"Changed by somebody else: {outcome.Conflicts[0]}.");
        }
    }
}
