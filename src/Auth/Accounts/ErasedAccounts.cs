using LiteDB;

namespace WebMessenger.Auth.Accounts;

/// <summary>
/// The accounts that are erased and of which something may still be left elsewhere: noted in the transaction that erases them, and struck out by whoever has
/// removed the rest, in a transaction of its own. So a program that ends in between finishes with its next start.
/// </summary>
/// <remarks>For the document store's thread: called inside its reads and writes.</remarks>
public static class ErasedAccounts
{
    private const string Collection = "erasedAccounts";

    /// <summary>The ids of the accounts of which the rest is still to be removed.</summary>
    public static List<string> All(ILiteDatabase database) =>
        database.GetCollection(Collection).FindAll().Select(document => document["_id"].AsString).ToList();

    /// <summary>Nothing of the account is left anywhere.</summary>
    public static void StrikeOut(ILiteDatabase database, string accountId) => database.GetCollection(Collection).Delete(accountId);

    internal static void Note(ILiteDatabase database, string accountId) =>
        database.GetCollection(Collection).Upsert(new BsonDocument { ["_id"] = accountId });
}
