using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>What a command does to a room, beside saying something in it.</summary>
internal abstract record RoomAct
{
    private RoomAct()
    {
    }

    /// <summary>The event that tells of it.</summary>
    public abstract EventType Event { get; }

    /// <summary>What tells it from another act under the same id: canonical JSON, whose fields stand in one order.</summary>
    public abstract string Canonical { get; }

    /// <summary>Gives somebody a role.</summary>
    /// <param name="User">A user name, as it was given.</param>
    internal sealed record Role(string User, MemberRole To) : RoomAct
    {
        public override EventType Event => EventType.Role;

        public override string Canonical => JsonSerializer.Serialize(
            new RoomCommand { Type = "role", User = User, Role = MemberRoles.NameOf(To) }, RoomCommandJson.Default.RoomCommand);
    }

    /// <summary>Changes what the room is called, or its rules.</summary>
    internal sealed record Policy(PolicyChanges Changes) : RoomAct
    {
        public override EventType Event => EventType.Policy;

        public override string Canonical => JsonSerializer.Serialize(RoomCommand.Of(Changes), RoomCommandJson.Default.RoomCommand);
    }
}

/// <summary>The fields of a room that a command changes; null: it stays. Checked by <see cref="Check"/> before anything else is done
/// with them.</summary>
internal sealed record PolicyChanges
{
    public string? Title { get; init; }

    public string? Topic { get; init; }

    public string? Visibility { get; init; }

    public string? Entry { get; init; }

    public string? Guests { get; init; }

    public string? Posting { get; init; }

    public DataChanges? Data { get; init; }

    public int? SlowMode { get; init; }

    public int? Capacity { get; init; }

    public RetentionChanges? Retention { get; init; }

    public int? EditWindow { get; init; }

    public string? History { get; init; }

    /// <summary>With what people wrote as it is stored, or what is wrong with which field.</summary>
    public PolicyChanges Check(List<FieldError> errors)
    {
        OneOf("visibility", Visibility, errors, "public", "private");
        OneOf("entry", Entry, errors, "open", "request", "invite");
        OneOf("guests", Guests, errors, "write", "read", "none");
        OneOf("posting", Posting, errors, "everyone", "moderators");
        OneOf("history", History, errors, "all", "now");
        OneOf("data", Data?.Read, errors, "members", "moderators");
        OneOf("data", Data?.Write, errors, "members", "moderators");
        Within("slowMode", SlowMode, 0, 86_400, "seconds", errors);
        Within("capacity", Capacity, 0, 100_000, "people, 0 for no bound", errors);
        Within("editWindow", EditWindow, -1, 525_600, "minutes, -1 for ever", errors);
        Within("retention", Retention?.Days, 0, 36_500, "days, 0 for ever", errors);
        Within("retention", Retention?.Messages, 0, 100_000_000, "messages, 0 for all", errors);
        return this with { Title = RoomWords.CheckTitle(Title, errors), Topic = RoomWords.CheckTopic(Topic, errors) };
    }

    private static void OneOf(string field, string? value, List<FieldError> errors, params string[] known)
    {
        if (value is not null && !known.Contains(value))
        {
            errors.Add(new FieldError(field, "invalid", $"\"{field}\" is one of: {string.Join(", ", known)}."));
        }
    }

    private static void Within(string field, int? value, int from, int to, string what, List<FieldError> errors)
    {
        if (value is { } number && (number < from || number > to))
        {
            errors.Add(new FieldError(field, "invalid", $"\"{field}\" is {from} to {to} {what}."));
        }
    }
}

/// <summary>Who reads and writes data topics.</summary>
internal sealed record DataChanges(string? Read, string? Write);

/// <summary>How long what was said is kept.</summary>
internal sealed record RetentionChanges(int? Days, int? Messages);

/// <summary>A command about a room as it comes, by MQTT or HTTP.</summary>
internal sealed record RoomCommand
{
    public string? Type { get; init; }

    public string? Id { get; init; }

    public string? User { get; init; }

    public string? Role { get; init; }

    public string? Title { get; init; }

    public string? Topic { get; init; }

    public string? Visibility { get; init; }

    public string? Entry { get; init; }

    public string? Guests { get; init; }

    public string? Posting { get; init; }

    public DataChanges? Data { get; init; }

    public int? SlowMode { get; init; }

    public int? Capacity { get; init; }

    public RetentionChanges? Retention { get; init; }

    public int? EditWindow { get; init; }

    public string? History { get; init; }

    public static RoomCommand Of(PolicyChanges changes) => new()
    {
        Type = "policy",
        Title = changes.Title,
        Topic = changes.Topic,
        Visibility = changes.Visibility,
        Entry = changes.Entry,
        Guests = changes.Guests,
        Posting = changes.Posting,
        Data = changes.Data,
        SlowMode = changes.SlowMode,
        Capacity = changes.Capacity,
        Retention = changes.Retention,
        EditWindow = changes.EditWindow,
        History = changes.History,
    };

    /// <summary>What it asks for; null: something is wrong with it.</summary>
    public RoomAct? ToAct(List<FieldError> errors)
    {
        RoomAct? act = null;
        if (Type == "role")
        {
            if (string.IsNullOrEmpty(User))
            {
                errors.Add(new FieldError("user", "required", "Say who: \"user\" is a user name."));
            }

            if (MemberRoles.Parse(Role) is not { } role)
            {
                errors.Add(new FieldError("role", Role is null ? "required" : "invalid", "\"role\" is one of: owner, moderator, member."));
            }
            else
            {
                act = new RoomAct.Role(User ?? "", role);
            }
        }
        else if (Type == "policy")
        {
            PolicyChanges changes = new()
            {
                Title = Title,
                Topic = Topic,
                Visibility = Visibility,
                Entry = Entry,
                Guests = Guests,
                Posting = Posting,
                Data = Data,
                SlowMode = SlowMode,
                Capacity = Capacity,
                Retention = Retention,
                EditWindow = EditWindow,
                History = History,
            };
            if (changes == new PolicyChanges())
            {
                errors.Add(new FieldError("policy", "required", "Say what of the room is to be changed."));
            }

            act = new RoomAct.Policy(changes.Check(errors));
        }
        else
        {
            errors.Add(new FieldError("type", Type is null ? "required" : "invalid", "\"type\" is one of: role, policy."));
        }

        return errors.Count == 0 ? act : null;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RoomCommand))]
internal sealed partial class RoomCommandJson : JsonSerializerContext;
