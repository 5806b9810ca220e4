using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Accounts;

/// <summary>
/// The accounts that are erased and of which something may still be left elsewhere: noted in the commit that erases them, and struck out by
/// whoever has removed the rest, in a commit of its own. So a program that ends in between finishes with its next start.
/// </summary>
public static class ErasedAccounts
{
    private const string Collection = "erasedAccounts";

    /// <summary>The ids of the accounts of which the rest is still to be removed.</summary>
    public static async Task<List<string>> AllAsync(IDocuments documents)
    {
        List<string> ids = [];
        await foreach (var document in documents.AllAsync(Collection))
        {
            ids.Add(document.Id);
        }

        return ids;
    }

    /// <summary>Nothing of the account is left anywhere.</summary>
    public static DocumentChange StrikeOut(string accountId) => new DocumentChange.Delete(Collection, accountId, null);

    internal static DocumentChange Note(string accountId) => new DocumentChange.Put(Collection, accountId, null, "{}"u8.ToArray());
}
