using System.Buffers.Binary;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>One entry of a room's data log as it lies among the records of the event log.</summary>
/// <remarks>
/// Numbers are big-endian, times milliseconds since 1970. Below the prefix of retained values, where `purge` looks; no room's key has
/// a `+`.
/// Format 1:
/// <code>
/// key                            value
/// v/+log/ room key / seq (8)     1 · flags (1; bits 0 and 1: QoS, bit 2: expires, bit 3: retain) · at (8) [expires at (8)]
///                                · publisher mark (8) · length of topic (2) · topic · length of properties (4) · properties · payload
/// v/+head/ room key              seq (8): no entry after it was ever removed without this being written again
/// </code>
/// </remarks>
internal static class DataLogRecord
{
    private const byte Format = 1;
    private const byte QualityOfServiceBits = 3;
    private const byte Expires = 4;
    private const byte Retains = 8;

    public static byte[] PrefixOf(string roomKey) => Encoding.ASCII.GetBytes($"v/+log/{roomKey}/");

    public static byte[] HeadKey(string roomKey) => Encoding.ASCII.GetBytes($"v/+head/{roomKey}");

    public static byte[] KeyOf(byte[] prefix, long seq)
    {
        var key = new byte[prefix.Length + 8];
        prefix.CopyTo(key, 0);
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(prefix.Length), seq);
        return key;
    }

    public static long SeqOf(byte[] prefix, byte[] key) => BinaryPrimitives.ReadInt64BigEndian(key.AsSpan(prefix.Length));

    public static byte[] WriteSeq(long seq)
    {
        var value = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(value, seq);
        return value;
    }

    /// <summary>Bytes of what <see cref="Write"/> makes.</summary>
    public static int LengthOf(DataMessage message) => 2 + 8 + (message.ExpiresAt is null ? 0 : 8) + 8
        + 2 + Encoding.UTF8.GetByteCount(message.Topic) + 4 + message.Properties.Length + message.Payload.Length;

    public static byte[] Write(DataMessage message)
    {
        var topic = Encoding.UTF8.GetByteCount(message.Topic);
        var expires = message.ExpiresAt is null ? 0 : 8;
        var record = new byte[LengthOf(message)];
        record[0] = Format;
        record[1] = (byte)((message.QualityOfService & QualityOfServiceBits) | (expires > 0 ? Expires : 0) | (message.Retain ? Retains : 0));
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(2), message.At.ToUnixTimeMilliseconds());
        var rest = record.AsSpan(10);
        if (message.ExpiresAt is { } end)
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, end.ToUnixTimeMilliseconds());
            rest = rest[8..];
        }

        BinaryPrimitives.WriteUInt64BigEndian(rest, message.PublisherMark);
        BinaryPrimitives.WriteUInt16BigEndian(rest[8..], (ushort)topic);
        Encoding.UTF8.GetBytes(message.Topic, rest[10..]);
        rest = rest[(10 + topic)..];
        BinaryPrimitives.WriteInt32BigEndian(rest, message.Properties.Length);
        message.Properties.Span.CopyTo(rest[4..]);
        message.Payload.Span.CopyTo(rest[(4 + message.Properties.Length)..]);
        return record;
    }

    /// <summary>When it was said, in milliseconds since 1970. 0: this program did not write it.</summary>
    public static long AtOf(byte[] record) => record is [Format, _, ..] && record.Length >= 10 ? BinaryPrimitives.ReadInt64BigEndian(record.AsSpan(2)) : 0;

    /// <summary>As it was published. Null: this program did not write it.</summary>
    public static DataMessage? Read(byte[] record)
    {
        if (record is not [Format, var flags, ..])
        {
            return null;
        }

        var at = (flags & Expires) != 0 ? 18 : 10;
        if (record.Length < at + 14)
        {
            return null;
        }

        var topic = BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(at + 8));
        var after = at + 10 + topic;
        if (record.Length < after + 4 || BinaryPrimitives.ReadInt32BigEndian(record.AsSpan(after)) is not (>= 0 and var properties)
            || properties > record.Length - after - 4)
        {
            return null;
        }

        return new DataMessage
        {
            Topic = Encoding.UTF8.GetString(record, at + 10, topic),
            Payload = record.AsMemory(after + 4 + properties),
            Properties = record.AsMemory(after + 4, properties),
            QualityOfService = (byte)(flags & QualityOfServiceBits),
            Retain = (flags & Retains) != 0,
            ExpiresAt = at == 18 ? DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(record.AsSpan(10))) : null,
            At = DateTimeOffset.FromUnixTimeMilliseconds(AtOf(record)),
            PublisherMark = BinaryPrimitives.ReadUInt64BigEndian(record.AsSpan(at)),
        };
    }

    /// <summary>To be written with what removes entries: `purge` has something to do, and no seq is given twice.</summary>
    public static RecordChange[] NoteRemoved(string roomKey, long head) => [new(HeadKey(roomKey), WriteSeq(head)), RetainedRecord.NoteReplaced()];
}
