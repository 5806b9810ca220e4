namespace WebMessenger.Storage.Documents;

/// <summary>One change of a commit: see <see cref="IDocuments"/> for what the parts may be.</summary>
public abstract record DocumentChange
{
    private DocumentChange()
    {
    }

    /// <param name="Expected">The version that must be there, 0: none. Null: whatever is there, for what only one caller at a time
    /// writes.</param>
    public sealed record Put(string Collection, string Id, long? Expected, ReadOnlyMemory<byte> Json) : DocumentChange;

    /// <summary>Without an expected version a document that is not there is no conflict.</summary>
    /// <param name="Expected">As for a put.</param>
    public sealed record Delete(string Collection, string Id, long? Expected) : DocumentChange;

    /// <summary>A conflict if somebody else has it. To claim again what one has changes nothing. A claim outlives its owner's
    /// documents.</summary>
    public sealed record Claim(string Scope, string Value, string Owner) : DocumentChange;

    /// <summary>Nothing happens if it is not this owner's.</summary>
    public sealed record GiveBack(string Scope, string Value, string Owner) : DocumentChange;

    /// <summary>Throws <see cref="ArgumentException"/> for what no implementation takes.</summary>
    internal static void ThrowIfForbidden(IReadOnlyList<DocumentChange> changes)
    {
        if (changes.Count is 0 or > DocumentLimits.Changes)
        {
            throw new ArgumentException($"A commit has 1 to {DocumentLimits.Changes} changes, not {changes.Count}.", nameof(changes));
        }

        HashSet<(bool IsClaim, string Of, string Key)> changed = [];
        foreach (var change in changes)
        {
            var (isClaim, of, key) = change switch
            {
                Put put => (false, put.Collection, put.Id),
                Delete delete => (false, delete.Collection, delete.Id),
                Claim claim => (true, claim.Scope, claim.Value),
                GiveBack given => (true, given.Scope, given.Value),
                _ => throw new ArgumentException("A change of no known kind.", nameof(changes)),
            };
            DocumentRules.ThrowIfNoName(of);
            DocumentRules.ThrowIfNoText(key, isClaim ? DocumentLimits.ClaimedValue : DocumentLimits.Id);
            if (change is Put { Json: var json })
            {
                DocumentRules.ThrowIfNoDocument(json.Span);
            }

            if (isClaim)
            {
                DocumentRules.ThrowIfNoText(change is Claim { Owner: var owner } ? owner : ((GiveBack)change).Owner, DocumentLimits.Id);
            }

            if (!changed.Add((isClaim, of, key)))
            {
                throw new ArgumentException($"'{of}/{key}' is changed twice in one commit.", nameof(changes));
            }
        }
    }
}
