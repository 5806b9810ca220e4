using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WebMessenger.Cluster.Moving;

/// <summary>How many rows, and the sum of what is in them, in whatever order they come.</summary>
internal sealed class MoveSum
{
    private long _count;
    private UInt128 _sum;

    public (long Count, UInt128 Sum) Value => (_count, _sum);

    public void Add(UInt128 row)
    {
        unchecked
        {
            _sum += row;
        }

        _count++;
    }
}

/// <summary>The row that is being read, and then the next: one for all of them.</summary>
internal sealed class MoveRow
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public MoveRow With(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public MoveRow With(ReadOnlySpan<byte> value)
    {
        With(value.Length);
        _bytes.Write(value);
        return this;
    }

    public MoveRow With(string value) => With(Encoding.UTF8.GetBytes(value));

    public MoveRow With(Guid? value) => value is { } key ? With(key.ToByteArray()) : With(-1);

    /// <summary>That was all of it.</summary>
    public void EndIn(MoveSum sum)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_bytes.WrittenSpan, hash);
        _bytes.ResetWrittenCount();
        sum.Add(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }
}
