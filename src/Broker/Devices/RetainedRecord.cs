using System.Buffers.Binary;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// One retained value as it lies among the records of the event log, and in memory: the same bytes, so that neither is made of the other.
/// </summary>
/// <remarks>
/// Numbers are big-endian, times milliseconds since 1970. Format 1:
/// <code>
/// key                       value
/// purge/values              another each time that something of it was replaced or cleared: `purge` has something to do
/// v/ room key / topic       1 · flags (1; bits 0 and 1: QoS, bit 2: expires) · at (8) [expires at (8)] · publisher mark (8)
///                           · length of properties (4) · properties · payload
/// </code>
/// </remarks>
internal static class RetainedRecord
{
    public const byte Format = 1;

    private const byte QualityOfServiceBits = 3;
    private const byte Expires = 4;
    private const int FixedSize = 1 + 1 + 8 + 8 + 4;
    private const int TimeSize = 8;

    /// <summary>There while files may have values that were replaced or cleared.</summary>
    public static byte[] ReplacedKey { get; } = "purge/values"u8.ToArray();

    /// <summary>To be written with whatever replaces or clears a value.</summary>
    public static RecordChange NoteReplaced() => new(ReplacedKey, Guid.NewGuid().ToByteArray());

    /// <summary>Before the keys of all values.</summary>
    public static ReadOnlySpan<byte> Prefix => "v/"u8;

    /// <summary>Before the keys of all values of a room. A room's key has no slash.</summary>
    public static byte[] PrefixOf(string roomKey) => Encoding.ASCII.GetBytes($"v/{roomKey}/");

    public static byte[] KeyOf(byte[] prefix, string topic)
    {
        var key = new byte[prefix.Length + Encoding.UTF8.GetByteCount(topic)];
        prefix.CopyTo(key, 0);
        Encoding.UTF8.GetBytes(topic, key.AsSpan(prefix.Length));
        return key;
    }

    /// <summary>Bytes of what <see cref="Write"/> makes.</summary>
    public static int LengthOf(DataMessage message) =>
        FixedSize + (message.ExpiresAt is null ? 0 : TimeSize) + message.Properties.Length + message.Payload.Length;

    public static byte[] Write(DataMessage message)
    {
        var header = FixedSize + (message.ExpiresAt is null ? 0 : TimeSize);
        var record = new byte[LengthOf(message)];
        record[0] = Format;
        record[1] = (byte)((message.QualityOfService & QualityOfServiceBits) | (message.ExpiresAt is null ? 0 : Expires));
        BinaryPrimitives.WriteInt64BigEndian(record.AsSpan(2), message.At.ToUnixTimeMilliseconds());
        var rest = record.AsSpan(2 + TimeSize);
        if (message.ExpiresAt is { } end)
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, end.ToUnixTimeMilliseconds());
            rest = rest[TimeSize..];
        }

        BinaryPrimitives.WriteUInt64BigEndian(rest, message.PublisherMark);
        BinaryPrimitives.WriteInt32BigEndian(rest[8..], message.Properties.Length);
        message.Properties.Span.CopyTo(rest[12..]);
        message.Payload.Span.CopyTo(record.AsSpan(header + message.Properties.Length));
        return record;
    }

    /// <summary>False: this program did not write it.</summary>
    public static bool IsKnown(ReadOnlySpan<byte> record)
    {
        if (record.Length < FixedSize || record[0] != Format)
        {
            return false;
        }

        var header = HeaderOf(record);
        return record.Length >= header && (uint)PropertiesOf(record, header) <= (uint)(record.Length - header);
    }

    /// <summary>As it was published: payload and properties are parts of the record, which nobody changes.</summary>
    public static DataMessage Read(string topic, byte[] record)
    {
        var header = HeaderOf(record);
        var properties = PropertiesOf(record, header);
        return new DataMessage
        {
            Topic = topic,
            Payload = record.AsMemory(header + properties),
            Properties = record.AsMemory(header, properties),
            QualityOfService = (byte)(record[1] & QualityOfServiceBits),
            Retain = true,
            ExpiresAt = ExpiryOf(record) is { } end ? DateTimeOffset.FromUnixTimeMilliseconds(end) : null,
            At = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(record.AsSpan(2))),
            PublisherMark = BinaryPrimitives.ReadUInt64BigEndian(record.AsSpan(header - 12)),
        };
    }

    /// <summary>Null: never.</summary>
    public static long? ExpiryOf(ReadOnlySpan<byte> record) =>
        (record[1] & Expires) != 0 ? BinaryPrimitives.ReadInt64BigEndian(record[(2 + TimeSize)..]) : null;

    private static int HeaderOf(ReadOnlySpan<byte> record) => FixedSize + ((record[1] & Expires) != 0 ? TimeSize : 0);

    private static int PropertiesOf(ReadOnlySpan<byte> record, int header) => BinaryPrimitives.ReadInt32BigEndian(record[(header - 4)..]);
}
