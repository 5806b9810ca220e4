using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WebMessenger.Broker.Events;

/// <summary>
/// Bodies that take the place of others: of a message that was edited or deleted, and of the edits of it; and what stands in inboxes for
/// what was said in a conversation.
/// </summary>
internal static partial class EventBody
{
    // Always the last field: what people write cannot end like it, for quotation marks are escaped there.
    private static ReadOnlySpan<byte> ImportedField => ",\"imported\":true"u8;

    private static ReadOnlySpan<byte> EveryoneField => "\"everyone\":true"u8;

    /// <summary>Tells the same message under the same id from another one.</summary>
    public static UInt128 ContentHash(string text, long? replyTo) => ContentHash(string.Create(CultureInfo.InvariantCulture, $"{replyTo ?? 0}\n{text}"));

    /// <summary>The same of anything else.</summary>
    /// <param name="content">Canonical JSON, which no message's content begins like.</param>
    public static UInt128 ContentHash(string content)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(content), hash);
        return new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]));
    }

    /// <summary>
    /// The event with another text (null: without one) and whom that names. All else of it stays, also what a later version has put
    /// there.
    /// </summary>
    public static byte[] WithText(ReadOnlySpan<byte> body, string? text, IReadOnlyList<string>? mentions = null)
    {
        var before = TakeApart(body).Fields;
        using var fields = ParseFields(before);
        var after = FieldsOf(writer =>
        {
            foreach (var field in fields.RootElement.EnumerateObject())
            {
                if (field.NameEquals("mentions"u8))
                {
                    // Those of the text that was.
                }
                else if (!field.NameEquals("text"u8))
                {
                    writer.WritePropertyName(JsonMarshal.GetRawUtf8PropertyName(field));
                    WriteAsItIs(writer, field.Value);
                }
                else if (text is not null)
                {
                    writer.WriteString("text"u8, text);
                    new Named(mentions ?? [], false).Write(writer);
                }
            }
        });
        return [.. body[..^before.Length], .. after];
    }

    /// <summary>The fields of an event, for who reads several of them.</summary>
    public static JsonDocument FieldsIn(ReadOnlySpan<byte> body) => ParseFields(TakeApart(body).Fields);

    /// <summary>Whether a message calls everybody. Inside a text a quotation mark is escaped, so what is found is the field.</summary>
    public static bool CallsEveryone(ReadOnlySpan<byte> body) => TakeApart(body).Fields.IndexOf(EveryoneField) >= 0;

    /// <summary>The text of a message as its author chose it; null: dice did.</summary>
    public static string? RepeatableIn(ReadOnlySpan<byte> body)
    {
        using var fields = FieldsIn(body);
        return fields.RootElement.TryGetProperty("roll"u8, out _) ? null : fields.RootElement.GetProperty("text"u8).GetString();
    }

    /// <summary>The text of a message; null: it has none.</summary>
    public static string? TextOf(ReadOnlySpan<byte> body)
    {
        // Not by a document: the index asks for each message.
        Utf8JsonReader fields = new(InBraces(TakeApart(body).Fields));
        for (fields.Read(); fields.Read() && fields.TokenType == JsonTokenType.PropertyName; fields.Skip())
        {
            if (fields.ValueTextEquals("text"u8))
            {
                return fields.Read() ? fields.GetString() : null;
            }
        }

        return null;
    }

    /// <summary>The fields of a `from`, as JSON without braces.</summary>
    public static byte[] AuthorFields(Author author) => FieldsOf(writer => WriteAuthor(writer, author)).ToArray();

    /// <summary>
    /// What a reaction says: of which message, with what, whether it was put there, and by whom (as JSON without braces).
    /// </summary>
    public static (long Of, string Emoji, bool IsOn, byte[] From) ReactionOf(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        var root = fields.RootElement;
        return (
            root.GetProperty("of"u8).GetInt64(),
            root.GetProperty("emoji"u8).GetString()!,
            root.GetProperty("on"u8).GetBoolean(),
            AuthorFields(ReadAuthor(root.GetProperty("from"u8), "")));
    }

    /// <summary>Of a message: who said it, and what.</summary>
    public static (string User, string Text) SaidIn(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        return (
            fields.RootElement.GetProperty("from"u8).GetProperty("user"u8).GetString()!,
            fields.RootElement.GetProperty("text"u8).GetString() ?? "");
    }

    /// <summary>Of a message or an edit: the user names that it names.</summary>
    public static IReadOnlyList<string> MentionsOf(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        return fields.RootElement.TryGetProperty("mentions"u8, out var mentions)
            ? [.. mentions.EnumerateArray().Select(user => user.GetString()!)]
            : [];
    }

    /// <summary>A notice of a message, from who said that.</summary>
    /// <param name="id">As of all events: unescaped.</param>
    /// <param name="message">Its body; or that of what was done to whom is told.</param>
    /// <param name="writeMore">What it says beside; null: nothing.</param>
    public static byte[] Notice(EventType type, string id, ReadOnlySpan<byte> message, long of, Action<Utf8JsonWriter>? writeMore = null)
    {
        using var fields = ParseFields(TakeApart(message).Fields);
        var notice = FieldsOf(writer =>
        {
            writer.WritePropertyName("from"u8);
            fields.RootElement.GetProperty("from"u8).WriteTo(writer);
            writer.WriteNumber("of"u8, of);
            writeMore?.Invoke(writer);
        });
        return Lay(type, IsByBot(message) ? ByBot : (ushort)0, [], JsonEncodedText.Encode(id, ReadableJsonEncoder.Instance).EncodedUtf8Bytes, notice);
    }

    /// <summary>A notice of no event.</summary>
    /// <param name="from">Who has caused it, as it names them.</param>
    /// <param name="id">As of all events: unescaped.</param>
    public static byte[] Notice(EventType type, string id, Author from, Action<Utf8JsonWriter> writeMore)
    {
        var notice = FieldsOf(writer =>
        {
            writer.WriteStartObject("from"u8);
            WriteAuthor(writer, from);
            writer.WriteEndObject();
            writeMore(writer);
        });
        return Lay(type, 0, [], JsonEncodedText.Encode(id, ReadableJsonEncoder.Instance).EncodedUtf8Bytes, notice);
    }

    /// <summary>What stands in the place of an event of whose content nobody learns anything, nor of whom it was.</summary>
    /// <param name="id">That of the event may tell.</param>
    public static byte[] Gone(string id) => Lay(EventType.Removed, 0, [], Encoding.ASCII.GetBytes(id), NobodyField);

    /// <summary>Whether the server has thrown dice for it.</summary>
    public static bool IsRoll(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        return fields.RootElement.TryGetProperty("roll"u8, out _);
    }

    /// <summary>Of an event that is about a message: the seq of that.</summary>
    public static long OfIn(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        return fields.RootElement.GetProperty("of"u8).GetInt64();
    }

    /// <summary>What stays of a message that was deleted: its id, whose it was, and who did it.</summary>
    public static byte[] Removed(ReadOnlySpan<byte> body, Author by)
    {
        var parts = TakeApart(body);
        using var fields = ParseFields(parts.Fields);
        var after = FieldsOf(writer =>
        {
            writer.WritePropertyName("from"u8);
            WriteAsItIs(writer, fields.RootElement.GetProperty("from"u8));
            writer.WriteStartObject("by"u8);
            WriteAuthor(writer, by);
            writer.WriteEndObject();
        });
        return Lay(EventType.Removed, IsByBot(body) ? ByBot : (ushort)0, [], parts.Id, after);
    }

    /// <summary>What stands in an inbox for an event of a conversation, before the seq of that (<see cref="PointerOf"/>).</summary>
    /// <param name="other">Account id of the one with whom the owner of the inbox talks.</param>
    public static byte[] Pointer(bool isMessage, bool isByBot, string other) =>
        Lay(isMessage ? EventType.Pointer : EventType.ActPointer, isByBot ? ByBot : (ushort)0, [], [], Encoding.ASCII.GetBytes(other));

    /// <summary>With whom, and which seq of what the two said; null: it is no pointer.</summary>
    public static (string Other, long Seq)? PointerOf(ReadOnlySpan<byte> body)
    {
        var parts = TakeApart(body);
        return parts.Type is EventType.Pointer or EventType.ActPointer && parts.Fields.Length > sizeof(long)
            ? (Encoding.ASCII.GetString(parts.Fields[..^sizeof(long)]), BinaryPrimitives.ReadInt64BigEndian(parts.Fields[^sizeof(long)..]))
            : null;
    }

    /// <summary>An event of a conversation as an inbox shows it: where it stands in that goes with it.</summary>
    /// <param name="type">In place of a message's.</param>
    /// <param name="with">User name of the other.</param>
    public static byte[] InInbox(ReadOnlySpan<byte> body, EventType type, string with, long seq, string epoch)
    {
        var parts = TakeApart(body);
        if (parts.Type == 0)
        {
            return [];
        }

        var place = FieldsOf(writer =>
        {
            writer.WriteString("with"u8, with);
            writer.WriteNumber("cseq"u8, seq);
            writer.WriteString("cepoch"u8, epoch);
        });
        return parts.Type == EventType.Message ? OfType([.. body, (byte)',', .. place], type) : [.. body, (byte)',', .. place];
    }

    /// <summary>
    /// A whisper of version 0.1 as the message that it is in a conversation. What it answered nobody knows: seqs were others.
    /// </summary>
    public static byte[] MessageOfWhisper(ReadOnlySpan<byte> body)
    {
        var before = TakeApart(body).Fields;
        using var fields = ParseFields(before);
        if (!fields.RootElement.TryGetProperty("replyTo"u8, out _))
        {
            return OfType(body.ToArray(), EventType.Message);
        }

        var after = FieldsOf(writer =>
        {
            foreach (var field in fields.RootElement.EnumerateObject().Where(field => !field.NameEquals("replyTo"u8)))
            {
                field.WriteTo(writer);
            }
        });
        return Lay(EventType.Message, IsByBot(body) ? ByBot : (ushort)0, [], IdOf(body), after);
    }

    /// <summary>Its `from`, without an account.</summary>
    public static Author AuthorOf(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        return ReadAuthor(fields.RootElement.GetProperty("from"u8), "");
    }

    /// <summary>What its author sent, as <see cref="ContentHash(string, long?)"/> is made of it.</summary>
    public static (string Text, long? ReplyTo) SaidOf(ReadOnlySpan<byte> body)
    {
        using var fields = ParseFields(TakeApart(body).Fields);
        return (
            fields.RootElement.GetProperty("text"u8).GetString()!,
            fields.RootElement.TryGetProperty("replyTo"u8, out var replyTo) ? replyTo.GetInt64() : null);
    }

    /// <summary>What was said elsewhere, and came in a file.</summary>
    /// <param name="from">As he is called here.</param>
    /// <param name="id">As all ids: unescaped.</param>
    /// <param name="writeFields">Writes what is behind `from`.</param>
    public static byte[] Imported(EventType type, Author from, string id, long? replyTo, Action<Utf8JsonWriter> writeFields) =>
        Encode(type, from, id, null, 0, replyTo, writer =>
        {
            WriteFrom(writer, from);
            writeFields(writer);
            writer.WriteBoolean("imported"u8, true);
        });

    /// <summary>Whether it came in a file: nobody is told of it, and nobody is here by it.</summary>
    public static bool IsImported(ReadOnlySpan<byte> body) => TakeApart(body).Fields.EndsWith(ImportedField);

    /// <summary>Writes somebody as an object of this name.</summary>
    public static void WritePerson(Utf8JsonWriter writer, string name, Author person)
    {
        writer.WriteStartObject(name);
        WriteAuthor(writer, person);
        writer.WriteEndObject();
    }

    // It was written by this program, and need not be read and escaped anew.
    private static void WriteAsItIs(Utf8JsonWriter writer, JsonElement stored) =>
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(stored), skipInputValidation: true);

    private static byte[] OfType(byte[] body, EventType type)
    {
        if (body[0] == Format2)
        {
            body[1] = (byte)type;
        }
        else
        {
            body[0] = (byte)((body[0] & ExpiresInFormat1) | (byte)type);
        }

        return body;
    }

    private static void WriteVia(Utf8JsonWriter writer, string? via)
    {
        if (via is not null)
        {
            writer.WriteString("via"u8, via);
        }
    }
}
