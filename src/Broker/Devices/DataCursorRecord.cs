using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace WebMessenger.Broker.Devices;

/// <summary>What is on disk of a <see cref="DataCursor"/>, or of a <see cref="DataGroupCursor"/>: that has no packet ids.</summary>
/// <remarks>
/// Numbers are big-endian. Format 1:
/// <code>
/// 1 · flags (1; bit 0: gap) · cursor (8) · sent (2) · [packet id (2) · seq (8) · flags (1; bits 0 and 1: QoS, bit 2: received)] …
/// · filters (2) · [since (8) · length (2) · filter] …
/// </code>
/// </remarks>
/// <param name="Cursor">Everything up to it was sent.</param>
/// <param name="Since">
/// Filters that are younger than the cursor: of each what is after the seq. Behind U+0000: the first seq of a stretch that is withheld, and
/// its last (<see cref="WithheldStretches"/>).
/// </param>
internal sealed record DataCursorRecord(
    long Cursor, bool HasGap, IReadOnlyList<DataSent> Sent, IReadOnlyList<(string Filter, long Seq)> Since)
{
    private const byte Format = 1;
    private const int SizeOfSent = 11;

    public byte[] ToBytes()
    {
        var size = 14 + (SizeOfSent * Sent.Count) + Since.Sum(one => 10 + Encoding.UTF8.GetByteCount(one.Filter));
        var record = new byte[size];
        (record[0], record[1]) = (Format, (byte)(HasGap ? 1 : 0));
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(2), Cursor);
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(10), (ushort)Sent.Count);
        var rest = record.AsSpan(12);
        foreach (var sent in Sent)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest, sent.PacketId);
            BinaryPrimitives.WriteInt64BigEndian(rest[2..], sent.Seq);
            rest[10] = (byte)(sent.QualityOfService | (sent.IsReceived ? 4 : 0));
            rest = rest[SizeOfSent..];
        }

        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)Since.Count);
        rest = rest[2..];
        foreach (var (filter, seq) in Since)
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, seq);
            var length = Encoding.UTF8.GetBytes(filter, rest[10..]);
            BinaryPrimitives.WriteUInt16BigEndian(rest[8..], (ushort)length);
            rest = rest[(10 + length)..];
        }

        return record;
    }

    /// <summary>False: this program did not write it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> record, [NotNullWhen(true)] out DataCursorRecord? read)
    {
        read = null;
        if (record.Length < 14 || record[0] != Format)
        {
            return false;
        }

        List<DataSent> sent = [];
        List<(string, long)> since = [];
        var rest = record[12..];
        for (var left = (int)BinaryPrimitives.ReadUInt16BigEndian(record[10..]); left > 0; left--)
        {
            if (rest.Length < SizeOfSent + 2)
            {
                return false;
            }

            sent.Add(new DataSent(
                BinaryPrimitives.ReadUInt16BigEndian(rest),
                BinaryPrimitives.ReadInt64BigEndian(rest[2..]),
                (byte)(rest[10] & 3),
                (rest[10] & 4) != 0));
            rest = rest[SizeOfSent..];
        }

        var filters = (int)BinaryPrimitives.ReadUInt16BigEndian(rest);
        for (rest = rest[2..]; filters > 0; filters--)
        {
            int length = rest.Length < 10 ? ushort.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(rest[8..]);
            if (rest.Length < 10 + length)
            {
                return false;
            }

            since.Add((Encoding.UTF8.GetString(rest.Slice(10, length)), BinaryPrimitives.ReadInt64BigEndian(rest)));
            rest = rest[(10 + length)..];
        }

        read = new DataCursorRecord(BinaryPrimitives.ReadInt64BigEndian(record[2..]), (record[1] & 1) != 0, sent, since);
        return true;
    }
}
