using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace WebMessenger.Storage.Documents;

/// <summary>Reading and writing documents as objects, and collections as a whole; the same over every implementation.</summary>
public static class DocumentsReading
{
    private const int PagesAhead = 2;

    /// <summary>All documents by id, a page at a time: what is changed meanwhile is seen or not.</summary>
    /// <param name="prefix">Only ids that begin with it.</param>
    public static async IAsyncEnumerable<Document> AllAsync(this IDocuments documents, string collection, string prefix = "")
    {
        await foreach (var page in documents.PagesAsync(collection, prefix))
        {
            foreach (var document in page)
            {
                yield return document;
            }
        }
    }

    /// <summary>The same as objects, which are made on other threads, some pages ahead: a start reads all there is.</summary>
    /// <param name="read">Thread-safe; what it throws, the caller hears.</param>
    public static async IAsyncEnumerable<T> AllAsync<T>(this IDocuments documents, string collection, Func<Document, T> read)
    {
        Queue<Task<List<T>>> ahead = new();
        await foreach (var page in documents.PagesAsync(collection, ""))
        {
            ahead.Enqueue(Task.Run(() => page.Select(read).ToList()));
            if (ahead.Count > PagesAhead)
            {
                foreach (var one in await ahead.Dequeue())
                {
                    yield return one;
                }
            }
        }

        while (ahead.TryDequeue(out var next))
        {
            foreach (var one in await next)
            {
                yield return one;
            }
        }
    }

    private static async IAsyncEnumerable<IReadOnlyList<Document>> PagesAsync(this IDocuments documents, string collection, string prefix)
    {
        var reading = documents.PageAsync(collection, null, DocumentLimits.Page, prefix);
        for (var isLast = false; !isLast;)
        {
            var page = await reading;
            isLast = page.Count < DocumentLimits.Page;
            if (!isLast)
            {
                // Read on the store's thread while the caller deals with this one.
                reading = documents.PageAsync(collection, page[^1].Id, DocumentLimits.Page, prefix);
            }

            yield return page;
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
