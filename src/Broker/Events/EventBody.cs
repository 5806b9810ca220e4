using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WebMessenger.Broker.Events;

/// <summary>
/// An event as the log keeps it, and the JSON made of it. The log gives seq, time and epoch; everything else is decided before.
/// </summary>
/// <remarks>
/// Layout: type (1 byte; its highest bit: it expires), when it expires (8 bytes, ms since 1970, big-endian; only if it does), length of the id (2 bytes, big-endian), the id as
/// the inside of a JSON string, then the remaining fields as the inside of a JSON object.
/// So an event is made of a stored body by copying, without parsing.
/// </remarks>
internal static class EventBody
{
    private const byte Expires = 0x80;
    private const int IdBytes = 12;
    private const int RandomBytes = 64 * IdBytes;

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
    public static byte[] Message(EventType type, Author from, string id, string text, long? replyTo, DateTimeOffset? expiry = null) => Encode(type, expiry, id, writer =>
    {
        WriteFrom(writer, from);
        writer.WriteString("text"u8, text);
        if (replyTo is { } seq)
        {
            writer.WriteNumber("replyTo"u8, seq);
        }
    });

    /// <summary>A join or leave; <paramref name="others"/> came or went within the same second of a rush.</summary>
    public static byte[] Presence(EventType type, Author from, string id, IReadOnlyList<Author> others) => Encode(type, null, id, writer =>
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
    });

    /// <summary>Tells the same message under the same id from another one.</summary>
    public static UInt128 ContentHash(string text, long? replyTo)
    {
        Span<byte> hash = stackalloc byte[32];
        var content = string.Create(CultureInfo.InvariantCulture, $"{replyTo ?? 0}\n{text}");
        SHA256.HashData(Encoding.UTF8.GetBytes(content), hash);
        return new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]));
    }

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

    /// <summary>May be one that this version does not know: then nothing else of the body is looked at, for it may lie otherwise.</summary>
    public static EventType TypeOf(ReadOnlySpan<byte> body) => body.IsEmpty ? 0 : (EventType)(body[0] & ~Expires);

    /// <summary>Null: it does not expire.</summary>
    public static DateTimeOffset? ExpiryOf(ReadOnlySpan<byte> body) =>
        EventTypes.IsKnown(TypeOf(body)) && (body[0] & Expires) != 0 ? DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(body[1..])) : null;

    /// <summary>The id as it is stored: the inside of a JSON string, in UTF-8.</summary>
    public static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> body)
    {
        Parts(body, out var id, out _);
        return id;
    }

    /// <summary>Whether an access token said it.</summary>
    public static bool IsByBot(ReadOnlySpan<byte> body)
    {
        // `from` comes first, and inside a name or text a quotation mark is escaped: what is found first is the kind.
        if (!EventTypes.IsKnown(TypeOf(body)))
        {
            return false;
        }

        Parts(body, out _, out var fields);
        var at = fields.IndexOf(KindField);
        return at >= 0 && fields[(at + KindField.Length)..].StartsWith("bot\""u8);
    }

    /// <summary>Of a join or leave: everybody it is about. Of any other event: nobody.</summary>
    public static IEnumerable<Author> PresenceOf(string authorId, ReadOnlyMemory<byte> body)
    {
        if (TypeOf(body.Span) is not (EventType.Join or EventType.Leave))
        {
            yield break;
        }

        Parts(body.Span, out _, out var fields);
        var json = new byte[fields.Length + 2];
        json[0] = (byte)'{';
        fields.CopyTo(json.AsSpan(1));
        json[^1] = (byte)'}';
        using var document = JsonDocument.Parse(json);
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
    /// Writes the event as it goes out: one JSON object, one line. Of a type that this version does not know only its place and time, so that no seq is missing.
    /// </summary>
    /// <param name="placeField">`room` for a room's event, `to` for a whisper.</param>
    public static void WriteJson(
        IBufferWriter<byte> target, ReadOnlySpan<byte> body, ReadOnlySpan<byte> placeField, ReadOnlySpan<byte> place, long seq, string epoch, DateTimeOffset at)
    {
        ReadOnlySpan<byte> id = default;
        var fields = NobodyField;
        if (EventTypes.IsKnown(TypeOf(body)))
        {
            Parts(body, out id, out fields);
        }

        target.Write("{\"v\":1,\"type\":\""u8);
        target.Write(EventTypes.NameOf(TypeOf(body)));
        target.Write("\",\""u8);
        target.Write(placeField);
        target.Write("\":\""u8);
        target.Write(place);
        target.Write("\",\"seq\":"u8);
        Span<byte> number = stackalloc byte[32];
        seq.TryFormat(number, out var written, default, CultureInfo.InvariantCulture);
        target.Write(number[..written]);
        target.Write(",\"epoch\":\""u8);
        written = Encoding.ASCII.GetBytes(epoch, number);
        target.Write(number[..written]);
        target.Write("\",\"id\":\""u8);
        target.Write(id);
        target.Write("\",\"at\":\""u8);
        at.UtcDateTime.TryFormat(number, out written, Timestamps.Pattern, CultureInfo.InvariantCulture);
        target.Write(number[..written]);
        target.Write("\","u8);
        target.Write(fields);
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

    private static Author ReadAuthor(JsonElement element, string accountId) =>
        new(accountId, element.GetProperty("user").GetString()!, element.GetProperty("name").GetString()!, element.GetProperty("kind").GetString()!);

    private static void Parts(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> id, out ReadOnlySpan<byte> fields)
    {
        body = body[((body[0] & Expires) != 0 ? 9 : 1)..];
        var length = BinaryPrimitives.ReadUInt16BigEndian(body);
        id = body.Slice(2, length);
        fields = body[(2 + length)..];
    }

    private static void WriteFrom(Utf8JsonWriter writer, Author from)
    {
        writer.WriteStartObject("from"u8);
        WriteAuthor(writer, from);
        writer.WriteEndObject();
    }

    private static byte[] Encode(EventType type, DateTimeOffset? expiry, string id, Action<Utf8JsonWriter> writeFields)
    {
        var escapedId = JsonEncodedText.Encode(id, ReadableJsonEncoder.Instance).EncodedUtf8Bytes;
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = NewWriter(buffer))
        {
            writer.WriteStartObject();
            writeFields(writer);
            writer.WriteEndObject();
        }

        var fields = buffer.WrittenSpan[1..^1];
        var idAt = expiry is null ? 1 : 9;
        var body = new byte[idAt + 2 + escapedId.Length + fields.Length];
        body[0] = (byte)type;
        if (expiry is { } until)
        {
            body[0] |= Expires;
            BinaryPrimitives.WriteInt64BigEndian(body.AsSpan(1), until.ToUnixTimeMilliseconds());
        }

        BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(idAt), checked((ushort)escapedId.Length));
        escapedId.CopyTo(body.AsSpan(idAt + 2));
        fields.CopyTo(body.AsSpan(idAt + 2 + escapedId.Length));
        return body;
    }
}
