using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Events;

/// <summary>
/// An event as the log keeps it, and the JSON made of it. The log gives seq, time and epoch; everything else is decided before.
/// </summary>
/// <remarks>
/// Layout, format 2; numbers are big-endian: 0x40, type (1), flags (2), then for each of these bits that is set, from the lowest, 8 bytes:
/// 0 when it expires (ms since 1970), 1 which client said it, 3 which seq it answers. Bit 4: an access token said it.
/// Then the length of the id (2), the id as the inside of a JSON string, and the remaining fields as the inside of a JSON object.
/// So an event is made of a stored body by copying, without parsing. A bit that is not named here belongs to a later version: nothing
/// behind it can be read. Format 1, which version 0.1 wrote and nobody rewrites: type (1; 0x80 set: it expires), when it expires (8, if it
/// does), length of the id (2), the id, the fields.
/// </remarks>
internal static partial class EventBody
{
    private const byte Format2 = 0x40;
    private const byte ExpiresInFormat1 = 0x80;
    private const ushort Expires = 1 << 0;
    private const ushort HasPublisher = 1 << 1;
    private const ushort IsReply = 1 << 3;
    private const ushort ByBot = 1 << 4;
    private const ushort KnownFlags = Expires | HasPublisher | IsReply | ByBot;
    private const int IdBytes = 12;
    private const int RandomBytes = 64 * IdBytes;
    private const int FieldsBytes = 16 << 10;

    private static readonly long _minExpiry = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long _maxExpiry = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    // The thread's own, from one message to the next.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_fields;

    [ThreadStatic]
    private static byte[]? s_random;

    [ThreadStatic]
    private static int s_randomLeft;

    // Clients count on a `from`; whose event it is, this version cannot read.
    private static ReadOnlySpan<byte> NobodyField => "\"from\":{\"user\":\"\",\"name\":\"\",\"kind\":\"person\"}"u8;

    private static ReadOnlySpan<byte> KindField => "\"kind\":\""u8;

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = ReadableJsonEncoder.Instance, SkipValidation = true };

    /// <summary>A message, or a whisper.</summary>
    /// <param name="expiry">After which it is not delivered any more to who was away [MQTT-3.3.2-5]; null: never.</param>
    /// <param name="publisher">Tells the client that said it from all others, for MQTT 5's No Local; 0: none did.</param>
    /// <param name="isAction">The text is what the author does.</param>
    /// <param name="named">Whom it names; null: nobody.</param>
    /// <param name="roll">The dice that were thrown for it; null: none.</param>
    /// <param name="via">What a hook's caller calls itself; null: it does not say.</param>
    public static byte[] Message(
        EventType type, Author from, string id, string text, long? replyTo, DateTimeOffset? expiry = null, ulong publisher = 0,
        bool isAction = false, Named? named = null, Roll? roll = null, string? via = null) =>
        Encode(type, from, id, expiry, publisher, replyTo, writer =>
        {
            WriteFrom(writer, from);
            writer.WriteString("text"u8, text);
            if (replyTo is { } seq)
            {
                writer.WriteNumber("replyTo"u8, seq);
            }

            if (isAction)
            {
                writer.WriteBoolean("action"u8, true);
            }

            named?.Write(writer);
            roll?.Write(writer);
            WriteVia(writer, via);
        });

    /// <summary>
    /// A join or leave; <paramref name="others"/> came or went within the same second of a rush,
    /// and <paramref name="more"/> whom it does not name.
    /// </summary>
    public static byte[] Presence(EventType type, Author from, string id, IReadOnlyList<Author> others, int more = 0) => Encode(type, from, id, null, 0, null, writer =>
    {
        WriteFrom(writer, from);
        if (others.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("others"u8);
        foreach (var other in others)
        {
            writer.WriteStartObject();
            WriteAuthor(writer, other);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (more > 0)
        {
            writer.WriteNumber("more"u8, more);
        }
    });

    /// <summary>What was done to a room or to somebody in it.</summary>
    /// <param name="writeFields">Writes what it was, behind `from`.</param>
    /// <param name="expiry">See <see cref="Message"/>.</param>
    public static byte[] Act(
        EventType type, Author from, string id, Action<Utf8JsonWriter> writeFields, ulong publisher = 0, DateTimeOffset? expiry = null) =>
        Encode(type, from, id, expiry, publisher, null, writer =>
        {
            WriteFrom(writer, from);
            writeFields(writer);
        });

    /// <summary>An id for an event whose author gave none.</summary>
    public static string NewId()
    {
        // Asking the system's generator for each id was a tenth of a busy server's work for a message.
        var random = s_random ??= new byte[RandomBytes];
        if (s_randomLeft == 0)
        {
            RandomNumberGenerator.Fill(random);
            s_randomLeft = RandomBytes;
        }

        s_randomLeft -= IdBytes;
        return Convert.ToHexStringLower(random.AsSpan(s_randomLeft, IdBytes));
    }

    /// <summary>
    /// 0 for a body that this version cannot read, or whose type it does not know:
    /// then nothing else is said of it, for it may lie otherwise.
    /// </summary>
    public static EventType TypeOf(ReadOnlySpan<byte> body) => TakeApart(body).Type;

    /// <summary>Null: it does not expire.</summary>
    public static DateTimeOffset? ExpiryOf(ReadOnlySpan<byte> body) => TakeApart(body).Expiry is { } expiry ? DateTimeOffset.FromUnixTimeMilliseconds(expiry) : null;

    /// <summary>Which seq it answers; null: none. A body of version 0.1 does not say.</summary>
    public static long? ReplyToOf(ReadOnlySpan<byte> body) => TakeApart(body).ReplyTo;

    /// <summary>Tells the client that said it from all others; 0: no client, or nobody knows which.</summary>
    public static ulong PublisherOf(ReadOnlySpan<byte> body) => TakeApart(body).Publisher;

    /// <summary>The id as it is stored: the inside of a JSON string, in UTF-8.</summary>
    public static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> body) => TakeApart(body).Id;

    /// <summary>Whether an access token said it.</summary>
    public static bool IsByBot(ReadOnlySpan<byte> body)
    {
        var parts = TakeApart(body);
        return parts.IsByBot || (parts.Type != 0 && body[0] != Format2 && SaysBot(parts.Fields));
    }

    /// <summary>Of a join or leave: everybody it is about. Of any other event: nobody.</summary>
    public static IEnumerable<Author> PresenceOf(string authorId, ReadOnlyMemory<byte> body)
    {
        if (TypeOf(body.Span) is not (EventType.Join or EventType.Leave))
        {
            yield break;
        }

        using var document = ParseFields(TakeApart(body.Span).Fields);
        yield return ReadAuthor(document.RootElement.GetProperty("from"), authorId);
        if (document.RootElement.TryGetProperty("others", out var others))
        {
            foreach (var other in others.EnumerateArray())
            {
                yield return ReadAuthor(other, "");
            }
        }
    }

    /// <summary>
    /// Writes the event as it goes out: one JSON object, one line. Of a type that this version does not know only its place and time,
    /// so that no seq is missing. Of a message that was edited also by which event, and when: the log knows.
    /// </summary>
    /// <param name="placeField">`room` for a room's event, `to` in an inbox, `with` in a conversation.</param>
    /// <param name="more">Fields that are no part of the event, as JSON, each behind a comma.</param>
    public static void WriteJson(
        IBufferWriter<byte> target, in LogEntry entry, string epoch, ReadOnlySpan<byte> placeField, ReadOnlySpan<byte> place, ReadOnlySpan<byte> more = default)
    {
        var parts = TakeApart(entry.Body.Span);
        target.Write("{\"v\":1,\"type\":\""u8);
        target.Write(EventTypes.NameOf(parts.Type));
        target.Write("\",\""u8);
        target.Write(placeField);
        target.Write("\":\""u8);
        target.Write(place);
        target.Write("\",\"seq\":"u8);
        Write(target, entry.Seq);
        target.Write(",\"epoch\":\""u8);
        Span<byte> name = stackalloc byte[32];
        target.Write(name[..Encoding.ASCII.GetBytes(epoch, name)]);
        target.Write("\",\"id\":\""u8);
        target.Write(parts.Id);
        target.Write("\",\"at\":\""u8);
        Write(target, entry.At);
        target.Write("\","u8);
        target.Write(parts.Type == 0 ? NobodyField : parts.Fields);
        if (parts.Type is EventType.Message or EventType.Whisper or EventType.Sent && entry.ChangedBy > 0)
        {
            target.Write(",\"edited\":{\"seq\":"u8);
            Write(target, entry.ChangedBy);
            target.Write(",\"at\":\""u8);
            Write(target, entry.ChangedAt);
            target.Write("\"}"u8);
        }

        target.Write(more);
        target.Write("}"u8);
    }

    /// <summary>The fields of `from`, also those of a presence.</summary>
    public static void WriteAuthor(Utf8JsonWriter writer, Author author)
    {
        writer.WriteString("user"u8, author.User);
        writer.WriteString("name"u8, author.Name);
        writer.WriteString("kind"u8, author.Kind);
    }

    /// <summary>A JSON writer with the escaping that all payloads use: readable UTF-8, controls escaped.</summary>
    public static Utf8JsonWriter NewWriter(IBufferWriter<byte> target) => new(target, WriterOptions);

    private static void Write(IBufferWriter<byte> target, long number)
    {
        Span<byte> digits = stackalloc byte[20];
        number.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        target.Write(digits[..written]);
    }

    private static void Write(IBufferWriter<byte> target, DateTimeOffset at)
    {
        Span<byte> time = stackalloc byte[Timestamps.Enough];
        target.Write(Timestamps.Format(at, time));
    }

    private static JsonDocument ParseFields(ReadOnlySpan<byte> fields) => JsonDocument.Parse(InBraces(fields));

    private static byte[] InBraces(ReadOnlySpan<byte> fields)
    {
        var json = new byte[fields.Length + 2];
        json[0] = (byte)'{';
        fields.CopyTo(json.AsSpan(1));
        json[^1] = (byte)'}';
        return json;
    }

    private static Author ReadAuthor(JsonElement element, string accountId) =>
        new(accountId, element.GetProperty("user").GetString()!, element.GetProperty("name").GetString()!, element.GetProperty("kind").GetString()!);

    /// <summary>Of a body that cannot be read, all is empty: that ends nothing, for a later version may have written it.</summary>
    private static Parts TakeApart(ReadOnlySpan<byte> body)
    {
        Parts parts = default;
        var rest = body;
        if (body is [Format2, var type, var high, var low, ..])
        {
            var flags = (high << 8) | low;
            parts.Type = (EventType)type;
            rest = rest[4..];
            if ((/* guard: bodies of later versions */ (flags & ~KnownFlags) != 0) || rest.Length < 8 * BitOperations.PopCount((uint)(flags & ~ByBot)))
            {
                return default;
            }

            parts.Expiry = (flags & Expires) != 0 ? (long)TakeNumber(ref rest) : null;
            parts.Publisher = (flags & HasPublisher) != 0 ? TakeNumber(ref rest) : 0;
            parts.ReplyTo = (flags & IsReply) != 0 ? (long)TakeNumber(ref rest) : null;
            parts.IsByBot = (flags & ByBot) != 0;
        }
        else if (body is [var first, ..])
        {
            parts.Type = (EventType)(first & ~ExpiresInFormat1);
            rest = rest[1..];
            if ((first & ExpiresInFormat1) != 0)
            {
                if (rest.Length < 8)
                {
                    return default;
                }

                parts.Expiry = (long)TakeNumber(ref rest);
            }
        }

        if (!EventTypes.IsKnown(parts.Type) || parts.Expiry < _minExpiry || parts.Expiry > _maxExpiry || rest.Length < 2 || rest.Length - 2 < BinaryPrimitives.ReadUInt16BigEndian(rest))
        {
            return default;
        }

        parts.Id = rest.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(rest));
        parts.Fields = rest[(2 + parts.Id.Length)..];
        return parts;
    }

    private static ulong TakeNumber(ref ReadOnlySpan<byte> rest)
    {
        var number = BinaryPrimitives.ReadUInt64BigEndian(rest);
        rest = rest[8..];
        return number;
    }

    // In format 1: `from` comes first, and inside a name or text a quotation mark is escaped, so what is found first is the kind.
    private static bool SaysBot(ReadOnlySpan<byte> fields) =>
        fields.IndexOf(KindField) is >= 0 and var at && fields[(at + KindField.Length)..].StartsWith("bot\""u8);

    private static void WriteFrom(Utf8JsonWriter writer, Author from)
    {
        writer.WriteStartObject("from"u8);
        WriteAuthor(writer, from);
        writer.WriteEndObject();
    }

    private static byte[] Encode(
        EventType type, Author from, string id, DateTimeOffset? expiry, ulong publisher, long? replyTo, Action<Utf8JsonWriter> writeFields)
    {
        var escapedId = JsonEncodedText.Encode(id, ReadableJsonEncoder.Instance).EncodedUtf8Bytes;
        var flags = (ushort)((expiry is null ? 0 : Expires) | (publisher == 0 ? 0 : HasPublisher) | (replyTo is null ? 0 : IsReply) | (from.Kind == "bot" ? ByBot : 0));
        Span<ulong> numbers = stackalloc ulong[3];
        var count = 0;
        if (expiry is { } until)
        {
            numbers[count++] = (ulong)until.ToUnixTimeMilliseconds();
        }

        if (publisher != 0)
        {
            numbers[count++] = publisher;
        }

        if (replyTo is { } seq)
        {
            numbers[count++] = (ulong)seq;
        }

        // A buffer of its own for each message would grow to 4 kB. Taken, for what writes the fields may come by here as well.
        var buffer = s_fields ?? new ArrayBufferWriter<byte>(FieldsBytes);
        s_fields = null;
        var body = Lay(type, flags, numbers[..count], escapedId, FieldsInto(buffer, writeFields));
        buffer.ResetWrittenCount();
        s_fields = buffer.Capacity <= FieldsBytes ? buffer : null;
        return body;
    }

    private static ReadOnlySpan<byte> FieldsOf(Action<Utf8JsonWriter> writeFields) => FieldsInto(new ArrayBufferWriter<byte>(256), writeFields);

    private static ReadOnlySpan<byte> FieldsInto(ArrayBufferWriter<byte> buffer, Action<Utf8JsonWriter> writeFields)
    {
        using (var writer = NewWriter(buffer))
        {
            writer.WriteStartObject();
            writeFields(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan[1..^1];
    }

    /// <param name="numbers">As the flags say, from the lowest.</param>
    /// <param name="id">As it is stored.</param>
    private static byte[] Lay(EventType type, ushort flags, ReadOnlySpan<ulong> numbers, ReadOnlySpan<byte> id, ReadOnlySpan<byte> fields)
    {
        var body = new byte[4 + (8 * numbers.Length) + 2 + id.Length + fields.Length];
        (body[0], body[1]) = (Format2, (byte)type);
        BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(2), flags);
        var rest = body.AsSpan(4);
        foreach (var number in numbers)
        {
            BinaryPrimitives.WriteUInt64BigEndian(rest, number);
            rest = rest[8..];
        }

        BinaryPrimitives.WriteUInt16BigEndian(rest, checked((ushort)id.Length));
        id.CopyTo(rest[2..]);
        fields.CopyTo(rest[(2 + id.Length)..]);
        return body;
    }

    private ref struct Parts
    {
        /// <summary>0: the body cannot be read, and all else is empty.</summary>
        public EventType Type;
        public long? Expiry;
        public ulong Publisher;
        public long? ReplyTo;
        public bool IsByBot;
        public ReadOnlySpan<byte> Id;
        public ReadOnlySpan<byte> Fields;
    }
}
