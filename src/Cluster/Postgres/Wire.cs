using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Writes what nodes tell each other: numbers of 7 bits a byte, and bytes with their length before them.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public int Length => _bytes.WrittenCount;

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public void Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }

    /// <summary>0 or more.</summary>
    public void Number(long value)
    {
        var span = _bytes.GetSpan(10);
        var length = 0;
        var rest = (ulong)value;
        for (; rest > 0x7F; rest >>= 7)
        {
            span[length++] = (byte)(rest | 0x80);
        }

        span[length++] = (byte)rest;
        _bytes.Advance(length);
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        _bytes.Write(value);
    }

    public void Text(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        Number(length);
        Encoding.UTF8.GetBytes(value, _bytes.GetSpan(length));
        _bytes.Advance(length);
    }
}

/// <summary>Reads what <see cref="WireWriter"/> wrote, or anything else: what does not fit makes it bad, and from then on all it reads is
/// empty.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>All that was read so far was there.</summary>
    public bool IsGood { get; private set; } = true;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte()
    {
        if (_rest.IsEmpty)
        {
            Fail();
            return 0;
        }

        var value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    public long Number()
    {
        var value = 0UL;
        for (var shift = 0; shift < 63; shift += 7)
        {
            var next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next <= 0x7F)
            {
                return (long)value;
            }
        }

        Fail();
        return 0;
    }

    /// <summary>How many follow, each of which takes a byte at least: so nobody makes room for more than there can be.</summary>
    public int Count()
    {
        var count = Number();
        if (count <= _rest.Length)
        {
            return (int)count;
        }

        Fail();
        return 0;
    }

    public ReadOnlySpan<byte> Bytes()
    {
        var length = Number();
        if (length > _rest.Length)
        {
            Fail();
            return [];
        }

        var value = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return value;
    }

    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary>It means nothing.</summary>
    public void Fail()
    {
        IsGood = false;
        _rest = [];
    }
}
