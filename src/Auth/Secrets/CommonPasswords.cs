using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WebMessenger.Auth.Secrets;

/// <summary>
/// The common passwords of 10 characters and more that the program refuses, compared without case and without the usual swaps (pa$$w0rd).
/// It knows them by their hashes; `Common/README.md` says whose lists they are from.
/// </summary>
internal static class CommonPasswords
{
    private static readonly ulong[] _hashes = Load();

    public static int Count => _hashes.Length;

    public static bool Contains(string password)
    {
        var folded = password.Trim().ToLowerInvariant();
        return IsListed(folded) || IsListed(folded.TrimEnd('!', '.', '?', '*', '#', '@', '$'));
    }

    private static bool IsListed(string folded)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(Unswap(folded)), hash);
        return Array.BinarySearch(_hashes, BinaryPrimitives.ReadUInt64BigEndian(hash)) >= 0;
    }

    // As make.mjs does it to what is listed.
    private static string Unswap(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = from[i] switch { '@' or '4' => 'a', '3' => 'e', '1' or '!' => 'i', '0' => 'o', '$' or '5' => 's', '7' => 't', var c => c };
        }
    });

    private static ulong[] Load()
    {
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream("common-passwords.bin")
            ?? throw new InvalidOperationException("The hashes of common passwords are not in the program.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var hashes = new ulong[bytes.Length / sizeof(ulong)];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(i * sizeof(ulong)));
        }

        return hashes;
    }
}
