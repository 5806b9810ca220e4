using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Broker.Devices;

/// <summary>The lines of one topic as they lie among the records of the event log.</summary>
/// <remarks>
/// Numbers are big-endian. They begin as retained values do, so that what purges these purges them. Format 1:
/// <code>
/// key                                value
/// v/+spark/ room key / topic         1 · ten minutes of the newest point, from 1970 (8) · lines (1)
///                                    · of each: length of its name (1) · name in UTF-8
///                                    · 144 points (4, IEEE 754), the newest last; NaN: none
/// </code>
/// </remarks>
internal static class SparklineRecord
{
    private const byte Format = 1;
    private const int FixedSize = 1 + 8 + 1;
    private const int PointSize = 4;
    private const int LineSize = Sparkline.Points * PointSize;

    /// <summary>Before the keys of all lines of a room. No room's key begins with a plus.</summary>
    public static byte[] PrefixOf(string roomKey) => Encoding.ASCII.GetBytes($"v/+spark/{roomKey}/");

    public static byte[] Write(Sparkline sparkline)
    {
        var last = sparkline.Last;
        var lines = sparkline.ReadAll(last);
        var record = new byte[FixedSize + lines.Sum(line => 1 + line.Name.Length + LineSize)];
        record[0] = Format;
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(1), last);
        record[9] = (byte)lines.Count;
        var rest = record.AsSpan(FixedSize);
        foreach (var (name, points) in lines)
        {
            rest[0] = (byte)name.Length;
            name.CopyTo(rest[1..]);
            rest = rest[(1 + name.Length)..];
            foreach (var point in points)
            {
                BinaryPrimitives.WriteSingleBigEndian(rest, point);
                rest = rest[PointSize..];
            }
        }

        return record;
    }

    /// <summary>False: this program did not write it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> record, Sparkline into)
    {
        if (record.Length < FixedSize || record[0] != Format || record[9] > SparklineNumbers.Most)
        {
            return false;
        }

        var last = BinaryPrimitives.ReadInt64BigEndian(record[1..]);
        var rest = record[FixedSize..];
        Span<float> points = stackalloc float[Sparkline.Points];
        for (var line = 0; line < record[9]; line++)
        {
            if (rest.IsEmpty || rest.Length < 1 + rest[0] + LineSize || rest[0] > SparklineNumbers.LongestName || last < Sparkline.Points)
            {
                return false;
            }

            var name = rest.Slice(1, rest[0]);
            rest = rest[(1 + name.Length)..];
            for (var i = 0; i < points.Length; i++)
            {
                points[i] = BinaryPrimitives.ReadSingleBigEndian(rest[(i * PointSize)..]);
            }

            into.Restore(name, points, last);
            rest = rest[LineSize..];
        }

        return rest.IsEmpty;
    }
}
