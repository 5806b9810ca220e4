using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Under which keys ids are kept.</summary>
internal static class PgKeys
{
    /// <summary>Of an author's id in a log. Two that differ have two keys, whatever letters are in them.</summary>
    public static Guid Of(LogName log, string author, string id)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> prefix = stackalloc byte[LogRecords.MaxName + 1];
        prefix = prefix[..(Encoding.ASCII.GetBytes(log.Value, prefix) + 1)];
        prefix[^1] = 0;
        return Of(key[..LogRecords.IdKey(key, prefix, author, id)]);
    }

    /// <summary>Of the key under which the embedded log keeps an id.</summary>
    public static Guid Of(ReadOnlySpan<byte> idKey)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(idKey, hash);
        return new Guid(hash[..16], bigEndian: true);
    }

    public static Guid ToGuid(UInt128 hash)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, hash);
        return new Guid(bytes, bigEndian: true);
    }

    public static UInt128 ToHash(Guid guid)
    {
        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
