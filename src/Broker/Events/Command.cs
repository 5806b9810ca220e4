using System.Globalization;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>What a client asked for in the payload of a PUBLISH to `rooms/{room}` or `users/{user}`.</summary>
/// <param name="Id">The client's own id; null when it gave none.</param>
/// <param name="Act">What it does to the room; null: it says something there.</param>
/// <param name="IsAction">What is said is what the author does: "waves".</param>
internal sealed record Command(string Text, string? Id, long? ReplyTo, RoomAct? Act = null, bool IsAction = false)
{
    /// <summary>The dice that were thrown for it; null: it is no throw of dice.</summary>
    public Roll? Roll { get; init; }

    /// <summary>Whether a conversation takes it; else it is for a room.</summary>
    public bool IsOfConversations => CommandTypes.OfConversations.Contains(
        Roll is not null ? "roll" : Act is null ? "message" : Encoding.ASCII.GetString(EventTypes.NameOf(Act.Event)));

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
        var isAction = false;
        var isCommand = false;
        if (payload.TrimStart(" \t\r\n"u8) is [(byte)'{', ..] && IsJson(payload))
        {
            try
            {
                var reader = new Utf8JsonReader(payload);
                (isCommand, text) = ReadObject(ref reader, ref id, ref replyTo, ref isAction, out error);
            }
            catch (InvalidOperationException)
            {
                // A lone surrogate behind \u in the name of a field.
                error = "The name of a field is not well-formed Unicode.";
                return null;
            }

            if (isCommand && text is null)
            {
                return error.Length == 0 ? ParseOther(payload, id, out error) : null;
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
        return error.Length > 0 ? null : new Command(text, id, replyTo, IsAction: isAction);
    }

    /// <summary>Tells the same content under the same id from another; that of an act is its own.</summary>
    public UInt128 ContentHash() =>
        Act is not null ? EventBody.ContentHash(Act.Canonical)
        // Of what was asked for: what came is another each time.
        : Roll is not null ? EventBody.ContentHash(JsonSerializer.Serialize(
            new RoomCommand { Type = "roll", ReplyTo = ReplyTo, Dice = Roll.Dice }, RoomCommandJson.Default.RoomCommand))
        : IsAction ? EventBody.ContentHash(JsonSerializer.Serialize(
            new ActionMessage("message", Text, ReplyTo, true), RoomCommandJson.Default.ActionMessage))
        : EventBody.ContentHash(Text, ReplyTo);

    /// <summary>
    /// What to tell the sender of a text that is longer than so many Unicode scalar values (0: no limit); null: it is not.
    /// </summary>
    public string? OverLength(int textLimit) => OverLength(Act is MessageAct.Edit edit ? edit.Text : Text, textLimit);

    /// <summary>An act under an id, if it has one; null: something is wrong with the id.</summary>
    public static Command? Of(RoomAct act, string? id, List<FieldError> errors) => Of(new Command("", id, null, act), errors);

    /// <summary>The same of any command.</summary>
    public static Command? Of(Command command, List<FieldError> errors)
    {
        if (CheckId(command.Id) is { Length: > 0 } wrong)
        {
            errors.Add(new FieldError("id", "invalid", wrong));
            return null;
        }

        return command;
    }

    // What is not a message of text.
    private static Command? ParseOther(ReadOnlySpan<byte> payload, string? id, out string error)
    {
        List<FieldError> errors = [];
        Command? command = null;
        try
        {
            command = JsonSerializer.Deserialize(payload, RoomCommandJson.Default.RoomCommand)
                ?.ToCommand(id, errors, CommandTypes.OfRooms);
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            errors.Add(new FieldError("type", "invalid", $"A field has a value of the wrong type: {(wrong as JsonException)?.Path}"));
        }

        error = command is not null ? "" : errors.Count > 0 ? errors[0].Message : "The command is not understood.";
        return command;
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
    private static (bool IsCommand, string? Text) ReadObject(
        ref Utf8JsonReader reader, ref string? id, ref long? replyTo, ref bool isAction, out string error)
    {
        error = "";
        var hasType = false;
        string? type = null;
        string? text = null;
        var (ownId, ownReplyTo, ownAction) = (id, replyTo, false);
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
            else if (reader.ValueTextEquals("action"u8))
            {
                reader.Read();
                ownAction = reader.TokenType == JsonTokenType.True;
                reader.Skip();
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

        if (type != "message")
        {
            // Read as a whole, if it is a command at all.
            id = ownId;
            error = type is not null && CommandTypes.OfRooms.Contains(type) ? "" : $"Unknown \"type\"; this server knows: {string.Join(", ", CommandTypes.OfRooms)}.";
            return (true, null);
        }

        if (text is null)
        {
            error = "A message needs a \"text\".";
        }

        (id, replyTo, isAction) = (ownId, ownReplyTo, ownAction);
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

    /// <summary>What is wrong with the text of a message, however long it is; empty: nothing.</summary>
    public static string CheckText(string text) =>
        string.IsNullOrWhiteSpace(text) ? "A message needs a text."
        : text.Contains('\0') ? "The text must not contain U+0000."
        : "";

    private static string Check(string text, string? id, int textLimit)
    {
        if (CheckText(text) is { Length: > 0 } wrong)
        {
            return wrong;
        }

        return OverLength(text, textLimit) ?? CheckId(id);
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

        return id.AsSpan().ContainsAnyInRange('\0', '\u001F') || id.AsSpan().ContainsAnyInRange('\u007F', '\u009F')
            ? "\"id\" must not contain control characters." : "";
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

/// <summary>What tells a message that is an action from another: canonical JSON, whose fields stand in this order.</summary>
internal sealed record ActionMessage(string Type, string Text, long? ReplyTo, bool Action);
