using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WebMessenger.Cluster.Nodes;

/// <summary>The key of the advisory lock of a name, and whether it is shared.</summary>
internal readonly record struct LockKey(long Key, bool IsShared)
{
    /// <summary>64 bits of the name's SHA-256: two names with one key would wait for each other, and no more.</summary>
    public static LockKey Of(string kind, string name, bool isShared = false)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{kind} {name}"), hash);
        return new(BinaryPrimitives.ReadInt64BigEndian(hash), isShared);
    }

    public string Take => IsShared ? $"SELECT pg_advisory_lock_shared({Key})" : $"SELECT pg_advisory_lock({Key})";

    /// <summary>Gives true when it was had at once.</summary>
    public string TryTake => IsShared ? $"SELECT pg_try_advisory_lock_shared({Key})" : $"SELECT pg_try_advisory_lock({Key})";

    public string Release => IsShared ? $"SELECT pg_advisory_unlock_shared({Key})" : $"SELECT pg_advisory_unlock({Key})";
}
