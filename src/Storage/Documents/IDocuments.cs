namespace WebMessenger.Storage.Documents;

/// <summary>Collections of small JSON documents by id, with claims: values of which each has one owner at most. What accounts and rooms
/// are kept in (ADR 0044).</summary>
/// <remarks>
/// <para>Contract, the same for every implementation (one suite of tests runs against each). Thread-safe. A commit happens wholly or not
/// at all, and its task completes once it is durable. Nobody reads what is not durable yet. Commits of many callers share one
/// sync.</para>
/// <para>Shapes: a collection and a scope are 1 to 32 of a-z, A-Z, 0-9, beginning with a-z. An id, and an owner, has 1 to
/// <see cref="DocumentLimits.Id"/> bytes of UTF-8, a value that is claimed 1 to <see cref="DocumentLimits.ClaimedValue"/>.
/// Two are the same if their bytes are, and bytes give their order. A document is a JSON object in UTF-8, at most
/// <see cref="DocumentLimits.Document"/> bytes. What is read back is equal as JSON: white space and the order of fields may differ.
/// U+0000 is nowhere allowed. A commit has at most <see cref="DocumentLimits.Changes"/> changes.
/// What is outside of these is an <see cref="ArgumentException"/>, before anything is written.</para>
/// <para>Errors: <see cref="IOException"/> when the store cannot be read or written just now. Of a commit it is not known then whether it
/// was made: read before trying again. <see cref="ObjectDisposedException"/> after the end.</para>
/// </remarks>
public interface IDocuments
{
    /// <summary>One document; null: there is none of this id.</summary>
    Task<Document?> GetAsync(string collection, string id);

    /// <summary>The next documents by id, from after <paramref name="after"/> on. Fewer than <paramref name="limit"/>: there are no
    /// more.</summary>
    /// <param name="after">An id, which need not exist; null: from the first one on.</param>
    /// <param name="limit">1 to <see cref="DocumentLimits.Page"/>.</param>
    /// <param name="prefix">Only ids that begin with it.</param>
    Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "");

    /// <summary>Who has claimed the value; null: nobody.</summary>
    Task<string?> OwnerAsync(string scope, string value);

    /// <summary>
    /// Makes all changes, or none: then the outcome names every change whose condition did not hold. A document, and a claim, is changed
    /// once at most in a commit.
    /// </summary>
    Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes);

    /// <summary>From now on hears what is changed, by whoever. For caches: it may come late, so no right may hang on it.</summary>
    DocumentFollower Follow();
}

/// <summary>How much <see cref="IDocuments"/> takes; bytes where nothing else is said.</summary>
public static class DocumentLimits
{
    public const int Id = 256;
    public const int ClaimedValue = 512;
    public const int Document = 64 * 1024;

    /// <summary>Documents of a page.</summary>
    public const int Page = 1_000;

    /// <summary>Changes of a commit.</summary>
    public const int Changes = 1_000;
}

/// <summary>A document as it is stored.</summary>
/// <param name="Version">
/// 1 for a document that was not there, and one more with each put. One that is deleted and put anew begins again: an id that must not be
/// mistaken is not used again.
/// </param>
/// <param name="Json">A JSON object in UTF-8.</param>
public sealed record Document(string Id, long Version, ReadOnlyMemory<byte> Json);

/// <summary>What became of a commit.</summary>
/// <param name="Conflicts">Which changes could not be made, in their order; empty: all were.</param>
public sealed record CommitOutcome(IReadOnlyList<DocumentConflict> Conflicts)
{
    public static CommitOutcome Done { get; } = new([]);

    public bool IsDone => Conflicts.Count == 0;
}

/// <summary>A change whose condition did not hold.</summary>
/// <param name="Change">As it was handed in.</param>
/// <param name="Version">Of the document that is there; 0: there is none, or the change is a claim.</param>
/// <param name="Owner">Who has what was to be claimed; null: the change is none of a claim.</param>
public sealed record DocumentConflict(DocumentChange Change, long Version, string? Owner);
