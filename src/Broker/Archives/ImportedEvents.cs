using System.Globalization;
using System.Text.Json;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Archives;

/// <summary>An event of a file, as it is to be stored.</summary>
/// <param name="Of">The seq that it is about, in the new room; null: none.</param>
/// <param name="EditedBy">Of a message: the seq of its newest edit, as in the file; 0: none.</param>
internal sealed record ImportedEvent(EventType Type, long Seq, DateTimeOffset At, Author From, byte[] Body, long? Of, long EditedBy);

/// <summary>Reads the lines of `events.jsonl`.</summary>
/// <remarks>
/// What a type must have is looked for, for whoever reads the log counts on it. Fields that this program does not know are taken as they
/// are; types that it does not know, and what was done to messages that are not in the file, are left out.
/// </remarks>
internal sealed class ImportedEvents(ImportedPeople people, int textLength, DateTimeOffset now)
{
    private const int MostOthers = 100;
    private const int MostNamed = 20;
    private const int LongestField = 4 * 1024;
    private const int LongestId = 128;

    // A field that is there twice is weighed once, and would be written twice.
    private static readonly JsonDocumentOptions _once = new() { AllowDuplicateProperties = false };

    // What the log says itself, what is said anew wherever an event is shown, and a call to everybody, which is over.
    private static readonly HashSet<string> _notTaken =
        ["v", "type", "room", "seq", "epoch", "id", "at", "from", "edited", "quote", "reactions", "imported", "everyone", "to", "with"];

    private static readonly Dictionary<string, EventType> _types = new(StringComparer.Ordinal)
    {
        ["message"] = EventType.Message,
        ["join"] = EventType.Join,
        ["leave"] = EventType.Leave,
        ["edit"] = EventType.Edit,
        ["delete"] = EventType.Delete,
        ["reaction"] = EventType.Reaction,
        ["pin"] = EventType.Pin,
        ["removed"] = EventType.Removed,
        ["role"] = EventType.Role,
        ["policy"] = EventType.Policy,
        ["kick"] = EventType.Kick,
        ["ban"] = EventType.Ban,
        ["unban"] = EventType.Unban,
        ["mute"] = EventType.Mute,
        ["unmute"] = EventType.Unmute,
        ["imported"] = EventType.Imported,
    };

    public ImportedSeqs Seqs { get; } = new();

    /// <summary>Null: it is left out.</summary>
    /// <exception cref="ArchiveException">It is not what a line of this file is.</exception>
    public ImportedEvent? Read(in ArchiveLine line)
    {
        try
        {
            using var json = JsonDocument.Parse(line.Bytes, _once);
            return Read(line, json.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            // Text that is none in UTF-8 and UTF-16 says so when it is asked for.
            throw line.Wrong("it is not one JSON object with the fields that an event has.");
        }
    }

    /// <summary>A time as it stands in the file. None is later than now.</summary>
    public static DateTimeOffset? TimeOf(string? text, DateTimeOffset now) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) && at >= DateTimeOffset.UnixEpoch
            ? (at < now ? at : now) : null;

    private ImportedEvent? Read(ArchiveLine line, JsonElement root)
    {
        var seq = root.GetProperty("seq").GetInt64();
        if (!Seqs.IsNext(seq) || seq <= 0)
        {
            throw line.Wrong($"seq {seq} does not follow the one before it.");
        }

        var of = Number(root, "of");
        var target = of is { } old ? Seqs.Find(old) : null;
        if (!_types.TryGetValue(root.GetProperty("type").GetString() ?? "", out var type) || (of is not null && target is null))
        {
            Seqs.Skip(seq);
            return null;
        }

        if (!HasAll(type, root, target, out var lacks))
        {
            throw line.Wrong($"a {Name(root)} needs {lacks}.");
        }

        // An edit has one as well, and of anything else it would be taken just so.
        if (Is(root, "text", JsonValueKind.String) && /* guard: texts of a file */ WrongText(root) is { Length: > 0 } wrong)
        {
            throw line.Wrong(wrong);
        }

        var from = people.Of(root.GetProperty("from")) ?? throw line.Wrong("\"from\" is nobody.");
        var at = TimeOf(root.GetProperty("at").GetString(), now) ?? throw line.Wrong("\"at\" is no time.");
        var replyTo = type == EventType.Message && Number(root, "replyTo") is { } answered ? Seqs.Find(answered) : null;
        var body = EventBody.Imported(type, from, IdOf(root), replyTo, writer => WriteFields(writer, root, target, replyTo));
        Seqs.Take(seq);
        var editedBy = root.TryGetProperty("edited", out var edited) ? Number(edited, "seq") ?? 0 : 0;
        return new ImportedEvent(type, seq, at, from, body, target, editedBy);
    }

    private static bool HasAll(EventType type, JsonElement root, long? target, out string lacks)
    {
        lacks = type switch
        {
            EventType.Message when !Is(root, "text", JsonValueKind.String) => "a text",
            EventType.Edit or EventType.Delete or EventType.Reaction or EventType.Pin when target is null => "\"of\"",
            EventType.Reaction when !(Is(root, "emoji", JsonValueKind.String) && Emoji.IsOne(root.GetProperty("emoji").GetString()!)) => "an emoji",
            EventType.Reaction or EventType.Pin when !(Is(root, "on", JsonValueKind.True) || Is(root, "on", JsonValueKind.False)) => "\"on\"",
            EventType.Role when !Is(root, "role", JsonValueKind.String) => "a role",
            EventType.Role or (>= EventType.Kick and <= EventType.Unmute) when !Is(root, "target", JsonValueKind.Object) => "a target",
            _ when !Is(root, "at", JsonValueKind.String) => "\"at\"",
            _ when !Is(root, "from", JsonValueKind.Object) => "\"from\"",
            _ => "",
        };
        return lacks.Length == 0;
    }

    private string WrongText(JsonElement root)
    {
        var text = root.GetProperty("text").GetString()!;
        return Command.CheckText(text) is { Length: > 0 } wrong ? wrong
            : textLength > 0 && text.Length > textLength && text.EnumerateRunes().Count() > textLength
                ? string.Create(CultureInfo.InvariantCulture, $"the text is longer than {textLength} characters.") : "";
    }

    private void WriteFields(Utf8JsonWriter writer, JsonElement root, long? target, long? replyTo)
    {
        foreach (var field in root.EnumerateObject().Where(field => !_notTaken.Contains(field.Name)))
        {
            switch (field.Name)
            {
                case "of":
                    writer.WriteNumber("of"u8, target!.Value);
                    break;
                case "replyTo":
                    if (replyTo is { } answered)
                    {
                        writer.WriteNumber("replyTo"u8, answered);
                    }

                    break;
                case "by" or "target":
                    EventBody.WritePerson(writer, field.Name, people.Of(field.Value) ?? throw new FormatException());
                    break;
                case "others":
                    WriteOthers(writer, field.Value);
                    break;
                case "mentions":
                    WriteMentions(writer, field.Value);
                    break;
                default:
                    WritePlain(writer, field);
                    break;
            }
        }
    }

    private void WriteOthers(Utf8JsonWriter writer, JsonElement others)
    {
        writer.WriteStartArray("others"u8);
        foreach (var other in others.EnumerateArray().Take(MostOthers))
        {
            writer.WriteStartObject();
            EventBody.WriteAuthor(writer, people.Of(other) ?? throw new FormatException());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteMentions(Utf8JsonWriter writer, JsonElement mentions)
    {
        writer.WriteStartArray("mentions"u8);
        foreach (var user in mentions.EnumerateArray().Take(MostNamed))
        {
            writer.WriteStringValue(people.UserOf(user.GetString() ?? "") ?? throw new FormatException());
        }

        writer.WriteEndArray();
    }

    // Of what nobody here knows little is taken. A text was weighed before.
    private static void WritePlain(Utf8JsonWriter writer, JsonProperty field)
    {
        if ((field.Name == "text" && field.Value.ValueKind != JsonValueKind.String)
            || (field.Value.ValueKind == JsonValueKind.String && field.Value.GetString()!.Contains('\0')))
        {
            throw new FormatException();
        }

        if (field.Value.ValueKind is not JsonValueKind.Null && (field.Name == "text" || field.Value.GetRawText().Length <= LongestField) && field.Name.Length <= 64)
        {
            field.WriteTo(writer);
        }
    }

    private static string IdOf(JsonElement root) =>
        Is(root, "id", JsonValueKind.String) && root.GetProperty("id").GetString() is { Length: > 0 } id
            && System.Text.Encoding.UTF8.GetByteCount(id) <= LongestId
            && !id.Any(char.IsControl)
            ? id : EventBody.NewId();

    private static string Name(JsonElement root) => root.GetProperty("type").GetString()!;

    private static bool Is(JsonElement root, string name, JsonValueKind kind) => root.TryGetProperty(name, out var field) && field.ValueKind == kind;

    private static long? Number(JsonElement root, string name) => Is(root, name, JsonValueKind.Number) ? root.GetProperty(name).GetInt64() : null;
}
