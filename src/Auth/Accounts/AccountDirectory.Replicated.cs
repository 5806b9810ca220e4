using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Auth.Accounts;

/// <summary>What another node has changed of an account that was known.</summary>
/// <param name="Before">What the account was called until then.</param>
/// <param name="HasOtherPassword">What is signed in by its password was so by another one.</param>
internal sealed record HeardAccount(Account Account, Profile Before, bool HasOtherPassword);

/// <summary>What other nodes do to accounts: in memory here when it is heard.</summary>
public sealed partial class AccountDirectory
{
    /// <summary>Another node has put an account, or erased it. On the thread that numbers.</summary>
    /// <returns>Null: nothing has changed of an account that was known.</returns>
    internal HeardAccount? Heard(ReplicatedDocument document)
    {
        var known = _index.Find(document.Id);
        if (document.IsDeleted)
        {
            if (known is null)
            {
                return null;
            }

            // First: from here on nobody signs in to it.
            known.IsErased = true;
            Forget(known);
            return new HeardAccount(known, known.Profile, HasOtherPassword: false);
        }

        var record = AccountStore.Read(new Document(document.Id, document.Version, document.Json));
        if (known is null)
        {
            Remember(record);
            return null;
        }

        // The same password stays the same object, by which everybody tells whether it is still the one that was checked.
        var (credential, before, standing) = (known.Credential, known.Profile, known.Standing);
        var isSamePassword = credential?.Encoded == record.Credential?.Encoded;
        if (isSamePassword && before == record.Profile && standing == record.Standing)
        {
            return null;
        }

        Apply(known, isSamePassword ? record with { Credential = credential } : record);
        if (standing != record.Standing)
        {
            Interlocked.Increment(ref _standingsChanged);
        }

        return new HeardAccount(known, before, !isSamePassword);
    }

    /// <summary>
    /// Under the write gate. Other nodes know the names of a new account when it is stored, and may be asked for one like them next.
    /// Alone it is known already, and all who come at once share a sync (fault R9).
    /// </summary>
    private async Task StoredForOthersAsync(Task added)
    {
        if (!_gate.IsAlone)
        {
            await added.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
