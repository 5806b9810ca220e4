using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Accounts;

/// <summary>
/// What the operator reads where the server was started, and types where the first account is registered: that account becomes the
/// administrator, and a stranger who is faster must not be it.
/// </summary>
/// <remarks>
/// Made anew at each start, 59 random bits, in memory only. Guessing is limited as registering is. Of several nodes, whoever registers may
/// come to another one than the operator has looked at: so they have one, which is kept until there is an account.
/// </remarks>
internal sealed class FirstAccountCode
{
    // Without letters and digits that are taken for one another.
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
    private const int Length = 12;

    private const string Collection = "firstCode";
    private const string Id = "code";

    private readonly byte[] _plain;

    public FirstAccountCode()
        : this(RandomNumberGenerator.GetString(Alphabet, Length))
    {
    }

    private FirstAccountCode(string plain)
    {
        _plain = Encoding.UTF8.GetBytes(plain);
        Text = $"{plain[..4]}-{plain[4..8]}-{plain[8..]}";
    }

    public string Text { get; }

    /// <summary>The one that all nodes have.</summary>
    /// <exception cref="IOException">The store cannot be read or written.</exception>
    public static async Task<FirstAccountCode> OfAllNodesAsync(IDocuments documents)
    {
        FirstAccountCode own = new();
        var json = Encoding.UTF8.GetBytes($$"""{"code":"{{Encoding.UTF8.GetString(own._plain)}}"}""");
        if ((await documents.CommitAsync([new DocumentChange.Put(Collection, Id, Expected: 0, json)])).IsDone)
        {
            return own;
        }

        // Another node was first.
        return await documents.GetAsync(Collection, Id) is { } stored
            && JsonDocument.Parse(stored.Json) is var read && read.RootElement.GetProperty("code").GetString() is { Length: Length } plain
            ? new(plain) : own;
    }

    /// <summary>There is an account: nobody needs it any more.</summary>
    /// <exception cref="IOException">The store cannot be written.</exception>
    public static Task ForgetAsync(IDocuments documents) => documents.CommitAllAsync([new DocumentChange.Delete(Collection, Id, null)]);

    /// <summary>However it is written: in capitals, without the dashes, with spaces.</summary>
    public bool Is(string? typed)
    {
        if (typed is null || typed.Length > 64)
        {
            return false;
        }

        var plain = string.Concat(typed.Where(char.IsLetterOrDigit)).ToLowerInvariant();
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(plain), _plain);
    }

    // Not by accident in a log.
    public override string ToString() => "the code for the first account";
}
