using System.Globalization;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>What a client asked for in the payload of a PUBLISH to `rooms/{room}` or `users/{user}`.</summary>
/// <param name="Id">The client's own id; null when it gave none.</param>
/// <param name="Act">What it does to the room; null: it says something there.</param>
internal sealed record Command(string Text, string? Id, long? ReplyTo, RoomAct? Act = null)
{
    /// <summary>The longest client-made id, in bytes of UTF-8.</summary>
    public const int MaximumIdBytes = 128;

    /// <summary>
    /// A payload that is a JSON object with a `type` is a command; anything else, JSON too, is the text of a message, so that a shell can
    /// simply say something, and a sensor `{"temp":21}`. Unknown fields,
    /// and those that the server decides (`seq`, `at`, `from` …), are ignored.
    /// </summary>
    /// <param name="idProperty">The MQTT 5 user property `id`; the payload's own wins.</param>
    /// <param name="textLimit">Unicode scalar values; 0: no limit.</param>
    /// <param name="error">What to tell the sender when the result is null.</param>
    public static Command? Parse(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> idProperty, int textLimit, out string error)
    {
        error = "";
        var id = idProperty.IsEmpty ? null : Encoding.UTF8.GetString(idProperty);
        string? text = null;
        long? replyTo = null;
        var isCommand = false;
        if (payload.TrimStart(" \t\r\n"u8) is [(byte)'{', ..] && IsJson(payload))
        {
            try
            {
                var reader = new Utf8JsonReader(payload);
                (isCommand, text) = ReadObject(ref reader, ref id, ref replyTo, out error);
            }
            catch (InvalidOperationException)
            {
                // A lone surrogate behind \u in the name of a field.
                error = "The name of a field is not well-formed Unicode.";
                return null;
            }

            if (isCommand && text is null)
            {
                return error.Length == 0 ? ParseAct(payload, id, out error) : null;
            }
        }

        if (text is null)
        {
            if (!System.Text.Unicode.Utf8.IsValid(payload))
            {
                error = "The payload is neither UTF-8 text nor a JSON command.";
                return null;
            }

            text = Encoding.UTF8.GetString(payload);
        }

        error = Check(text, id, textLimit);
        return error.Length > 0 ? null : new Command(text, id, replyTo);
    }

    /// <summary>
    /// What to tell the sender of a text that is longer than so many Unicode scalar values (0: no limit); null: it is not.
    /// </summary>
    public string? OverLength(int textLimit) => OverLength(Text, textLimit);

    /// <summary>An act under an id, if it has one; null: something is wrong with the id.</summary>
    public static Command? Of(RoomAct act, string? id, out string error)
    {
        error = CheckId(id);
        return error.Length > 0 ? null : new Command("", id, null, act);
    }

    private static Command? ParseAct(ReadOnlySpan<byte> payload, string? id, out string error)
    {
        List<FieldError> errors = [];
        try
        {
            if (JsonSerializer.Deserialize(payload, RoomCommandJson.Default.RoomCommand)?.ToAct(errors) is { } act)
            {
                return Of(act, id, out error);
            }
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            errors.Add(new FieldError("type", "invalid", $"A field has a value of the wrong type: {(wrong as JsonException)?.Path}"));
        }

        error = errors.Count > 0 ? errors[0].Message : "The command is not understood.";
        return null;
    }

    // A scalar value is at most two chars, so most texts need no counting.
    private static string? OverLength(string text, int textLimit) => textLimit > 0 && text.Length > textLimit && CountScalars(text) > textLimit
        ? string.Create(CultureInfo.InvariantCulture, $"The text is longer than {textLimit} characters.")
        : null;

    private static bool IsJson(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Whether it has a type, and the text of its message; null: something is wrong with it.
    private static (bool IsCommand, string? Text) ReadObject(ref Utf8JsonReader reader, ref string? id, ref long? replyTo, out string error)
    {
        error = "";
        var hasType = false;
        string? type = null;
        string? text = null;
        var (ownId, ownReplyTo) = (id, replyTo);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                hasType = true;
                type = ReadString(ref reader, "type", ref error);
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                text = ReadString(ref reader, "text", ref error);
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                ownId = ReadString(ref reader, "id", ref error);
            }
            else if (reader.ValueTextEquals("replyTo"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var seq) && seq > 0)
                {
                    ownReplyTo = seq;
                }
                else
                {
                    error = "\"replyTo\" must be the seq of an event, a whole number from 1.";
                    reader.Skip();
                }
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        if (!hasType)
        {
            // Whatever its fields are called, they are not ours.
            error = "";
            return (false, null);
        }

        if (error.Length > 0)
        {
            return (true, null);
        }

        if (type is "role" or "policy")
        {
            id = ownId;
            return (true, null);
        }

        if (type != "message")
        {
            error = "Unknown \"type\"; this server knows \"message\", \"role\" and \"policy\".";
            return (true, null);
        }

        if (text is null)
        {
            error = "A message needs a \"text\".";
        }

        (id, replyTo) = (ownId, ownReplyTo);
        return (true, text);
    }

    private static string? ReadString(ref Utf8JsonReader reader, string field, ref string error)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            error = $"\"{field}\" must be a string.";
            reader.Skip();
            return null;
        }

        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate behind \u: no Unicode text.
            error = $"\"{field}\" is not well-formed Unicode.";
            return null;
        }
    }

    private static string Check(string text, string? id, int textLimit)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return "A message needs a text.";
        }

        if (text.Contains('\0'))
        {
            return "The text must not contain U+0000.";
        }

        if (OverLength(text, textLimit) is { } tooLong)
        {
            return tooLong;
        }

        return CheckId(id);
    }

    private static string CheckId(string? id)
    {
        if (id is null)
        {
            return "";
        }

        if (id.Length == 0 || Encoding.UTF8.GetByteCount(id) > MaximumIdBytes)
        {
            return string.Create(CultureInfo.InvariantCulture, $"\"id\" must have 1 to {MaximumIdBytes} bytes.");
        }

        return id.AsSpan().ContainsAnyInRange('\0', '\u001F') || id.AsSpan().ContainsAnyInRange('\u007F', '\u009F') ? "\"id\" must not contain control characters." : "";
    }

    private static int CountScalars(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            count++;
        }

        return count;
    }
}
