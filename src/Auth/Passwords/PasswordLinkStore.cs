using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Passwords;

/// <summary>Password links as documents, one for an account: the next one takes the place of the one before.</summary>
internal sealed class PasswordLinkStore(IDocuments documents)
{
    /// <summary>Of the documents.</summary>
    public const string Links = "passwordLinks";

    /// <param name="find">Null: there is no such account any more.</param>
    /// <returns>Also what is over, so that somebody removes it; the link is null where its account is gone.</returns>
    public async Task<IReadOnlyList<(string Account, DateTimeOffset ExpiresAt, PasswordLink? Link)>> ReadAllAsync(Func<string, Account?> find)
    {
        List<(string, DateTimeOffset, PasswordLink?)> all = [];
        await foreach (var document in documents.AllAsync(Links))
        {
            all.Add(Read(document, find));
        }

        return all;
    }

    /// <exception cref="InvalidDataException">It is none of these.</exception>
    public static (string Account, DateTimeOffset ExpiresAt, PasswordLink? Link) Read(Document document, Func<string, Account?> find)
    {
        var stored = document.As(PasswordLinkJson.Default.StoredPasswordLink);
        var expires = DateTimeOffset.FromUnixTimeMilliseconds(stored.Expires);
        return (document.Id, expires, find(document.Id) is not { } account ? null : new PasswordLink(account, expires, stored.Password)
        {
            SecretHash = SecretHash.FromBytes(stored.Secret),
        });
    }

    public Task PutAsync(PasswordLink link) => documents.CommitAllAsync(
    [
        DocumentsReading.Put(
            Links,
            link.Account.Id,
            expected: null,
            new StoredPasswordLink(link.SecretHash.ToBytes(), link.ExpiresAt.ToUnixTimeMilliseconds(), link.PasswordStamp),
            PasswordLinkJson.Default.StoredPasswordLink),
    ]);

    public Task RemoveAsync(IReadOnlyCollection<string> accounts) =>
        documents.CommitAllAsync(accounts.Select(account => new DocumentChange.Delete(Links, account, null)));

    public async Task RemoveAllAsync()
    {
        List<string> accounts = [];
        await foreach (var document in documents.AllAsync(Links))
        {
            accounts.Add(document.Id);
        }

        await RemoveAsync(accounts);
    }
}

/// <summary>A document of the collection `passwordLinks`, by account id.</summary>
/// <param name="Secret">Its hash.</param>
/// <param name="Expires">Milliseconds since 1970.</param>
/// <param name="Password">The stamp of the password that it replaces.</param>
internal sealed record StoredPasswordLink(byte[] Secret, long Expires, string Password);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StoredPasswordLink))]
internal sealed partial class PasswordLinkJson : JsonSerializerContext;
