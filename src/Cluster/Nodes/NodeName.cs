using System.Security.Cryptography;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Names of nodes: what a person recognises, then what no other start of it has.</summary>
internal static class NodeName
{
    private const int WordLength = 23;

    /// <summary>At most 32 characters of a-z, 0-9 and hyphens.</summary>
    public static string Make(string? word)
    {
        var plain = (word ?? Environment.MachineName).ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-').Take(WordLength);
        return $"{string.Concat(plain)}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
    }
}
