using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What the others are called with whom an account talks, also those who are erased.</summary>
/// <remarks>Thread-safe. Of who is erased it reads the disk; of who is there it does not.</remarks>
internal sealed class ConversationNames(AccountDirectory accounts, IRecords records)
{
    /// <summary>The other's account; null: it is erased.</summary>
    public Account? AccountOf(string other) => accounts.Find(other) is { IsErased: false } account ? account : null;

    /// <summary>The other's user name; empty: nobody knows it any more.</summary>
    public string UserOf(string owner, string other)
    {
        if (AccountOf(other) is { } account)
        {
            return account.UserName;
        }

        var key = ConversationRecord.Key(owner, other);
        return records.Find(key) is { } value ? ConversationRecord.Read(key, ConversationRecord.PrefixOf(owner).Length, value).User : "";
    }

    /// <summary>The id of whom the owner means by a user name.</summary>
    /// <returns>Null: nobody of that name, and nobody erased who talked to the owner.</returns>
    public string? IdOf(string owner, string user)
    {
        if (accounts.FindByUserName(user) is { IsErased: false } account)
        {
            return account.Id;
        }

        foreach (var record in ConversationRecord.AllOf(records, owner))
        {
            if (record.User == user && AccountOf(record.Other) is null)
            {
                return record.Other;
            }
        }

        return null;
    }
}
