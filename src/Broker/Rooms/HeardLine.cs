using System.Globalization;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What `/text` says of a stored event: the same as where it was said, made of what is stored of it.</summary>
internal static class HeardLine
{
    /// <summary>Null: nothing.</summary>
    public static string? Of(in LogEntry stored)
    {
        var type = EventBody.TypeOf(stored.Body.Span);
        if (type is not (EventType.Message or EventType.Policy or EventType.Kick or EventType.Ban or EventType.Unban or EventType.Mute or EventType.Unmute))
        {
            return null;
        }

        using var document = EventBody.FieldsIn(stored.Body.Span);
        var fields = document.RootElement;
        var name = fields.GetProperty("from"u8).GetProperty("name"u8).GetString()!;
        return type switch
        {
            EventType.Message => OfMessage(fields, name),
            EventType.Policy => OfPolicy(fields, name),
            _ => ModerationWords.LineOf(
                type, name, fields.GetProperty("target"u8).GetProperty("name"u8).GetString()!, MinutesOf(fields, stored.At), TextOf(fields, "reason")),
        };
    }

    private static string OfMessage(JsonElement fields, string name)
    {
        var text = PlainLine.Of(TextOf(fields, "text") ?? "");
        return TextOf(fields, "via") is { } via ? PlainLine.OfName($"{name} ({via}): ") + text
            : fields.TryGetProperty("action"u8, out var action) && action.ValueKind == JsonValueKind.True ? "* " + name + " " + text
            : PlainLine.OfName(name) + ": " + text;
    }

    private static string? OfPolicy(JsonElement fields, string name)
    {
        var quiet = !fields.TryGetProperty("quietUntil"u8, out var until) ? null
            : Quiet.LineOf(until.ValueKind == JsonValueKind.String ? TimeIn(until) : null, name);
        var archive = fields.TryGetProperty("archived"u8, out var archived) ? ModerationWords.LineOf(archived.GetBoolean(), name) : null;
        return quiet is null ? archive : archive is null ? quiet : quiet + "\n" + archive;
    }

    // The event says until when, from a moment on that was shortly before it had its number.
    private static int MinutesOf(JsonElement fields, DateTimeOffset at) =>
        fields.TryGetProperty("until"u8, out var until) ? (int)Math.Ceiling((TimeIn(until) - at).TotalMinutes) : 0;

    private static DateTimeOffset TimeIn(JsonElement time) =>
        DateTimeOffset.Parse(time.GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);

    private static string? TextOf(JsonElement fields, string name) =>
        fields.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
}
