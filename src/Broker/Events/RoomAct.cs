using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>What a command does to a room, to people in it, or (<see cref="MessageAct"/>) to what was said there.</summary>
internal abstract record RoomAct
{
    private protected RoomAct()
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

        public override string Canonical => JsonSerializer.Serialize(RoomCommand.Changing(Changes), RoomCommandJson.Default.RoomCommand);
    }
}

/// <summary>The fields of a room that a command changes; null: it stays. Checked by <see cref="Check"/> before anything else is done
/// with them.</summary>
/// <remarks>A command has them among its own.</remarks>
internal record PolicyChanges
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

    public bool? Archived { get; init; }

    /// <summary>In place of those that the room has; empty: it has none any more.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    public GuardChanges? Guard { get; init; }

    public QuietChange? QuietUntil { get; init; }

    /// <summary>The same from now on: who asks need not know what the server's clock says. It is in no event.</summary>
    public int? QuietMinutes { get; init; }

    /// <summary>Nothing else is changed.</summary>
    [JsonIgnore]
    public bool IsQuietAlone => (QuietUntil is not null || QuietMinutes is not null)
        && new PolicyChanges(this) { QuietUntil = null, QuietMinutes = null } == new PolicyChanges();

    /// <summary>These fields, without what else a command has.</summary>
    public PolicyChanges Alone() => new(this);

    /// <summary>With what people wrote as it is stored, or what is wrong with which field.</summary>
    public PolicyChanges Check(List<FieldError> errors)
    {
        OneOf("visibility", Visibility, errors, "public", "private");
        OneOf("entry", Entry, errors, "open", "request", "invite");
        OneOf("guests", Guests, errors, "write", "read", "none");
        OneOf("posting", Posting, errors, "everyone", "moderators");
        OneOf("history", History, errors, "all", "now");
        OneOf("data", Data?.Read, errors, "members", "moderators", "tokens");
        OneOf("data", Data?.Write, errors, "members", "moderators", "tokens");
        Within("slowMode", SlowMode, 0, 86_400, "seconds", errors);
        Within("capacity", Capacity, 0, 100_000, "people, 0 for no bound", errors);
        Within("editWindow", EditWindow, -1, 525_600, "minutes, -1 for ever", errors);
        Within("retention", Retention?.Days, 0, 36_500, "days, 0 for ever", errors);
        Within("retention", Retention?.Messages, 0, 100_000_000, "messages, 0 for all", errors);
        Within("guard", Guard?.NewcomerMinutes, 0, 1_440, "minutes, 0 for none", errors);
        Within("guard", Guard?.GuestsPerMinute, 0, 1_000, "guests, 0 for as many as come", errors);
        Within("quietMinutes", QuietMinutes, 1, 1_440, "minutes", errors);
        if (Guard?.Repeats is not (null or 0 or (>= 2 and <= 10)))
        {
            errors.Add(new FieldError("guard", "invalid", "\"repeats\" is 2 to 10, or 0 for none."));
        }

        return this with { Title = RoomWords.CheckTitle(Title, errors), Topic = RoomWords.CheckTopic(Topic, errors), Tags = RoomTags.Check(Tags, errors) };
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

/// <summary>A command as it comes, by MQTT or HTTP, to a room or a conversation.</summary>
/// <remarks>
/// What is stored of an act's content is a hash of its fields in this order, behind which those of the room follow: new fields come last.
/// </remarks>
internal sealed record RoomCommand : PolicyChanges
{
    public RoomCommand()
    {
    }

    private RoomCommand(PolicyChanges changes)
        : base(changes)
    {
    }

    public string? Type { get; init; }

    public string? Id { get; init; }

    public string? User { get; init; }

    public string? Role { get; init; }

    public long? Of { get; init; }

    public string? Text { get; init; }

    public string? Reason { get; init; }

    public string? Emoji { get; init; }

    public bool? On { get; init; }

    public long? ReplyTo { get; init; }

    public bool? Action { get; init; }

    public string? Dice { get; init; }

    public int? Minutes { get; init; }

    public bool? Public { get; init; }

    public int? DeleteSince { get; init; }

    public static RoomCommand Changing(PolicyChanges changes) => new(changes) { Type = "policy" };

    /// <summary>What it asks for, be it said or done; null: something is wrong with it.</summary>
    /// <param name="id">The author's own id; null: none was given.</param>
    /// <param name="types">Those that are known where it goes: see <see cref="CommandTypes"/>.</param>
    public Command? ToCommand(string? id, List<FieldError> errors, IReadOnlyList<string> types)
    {
        if (Type is null || !types.Contains(Type))
        {
            errors.Add(new FieldError("type", Type is null ? "required" : "invalid", $"\"type\" is one of: {string.Join(", ", types)}."));
            return null;
        }

        if (Type is not ("message" or "roll"))
        {
            return ToAct(errors) is { } act ? Command.Of(act, id, errors) : null;
        }

        if (ReplyTo is <= 0)
        {
            errors.Add(new FieldError("replyTo", "invalid", "\"replyTo\" is the seq of a message, a whole number from 1."));
        }

        var roll = Type == "roll" ? Roll.Throw(Dice, errors) : null;
        var text = Type == "roll" ? roll?.Text ?? "" : Text ?? "";
        if (Type == "message" && Command.CheckText(text) is { Length: > 0 } wrong)
        {
            errors.Add(new FieldError("text", Text is null ? "required" : "invalid", wrong));
        }

        return errors.Count > 0 ? null : Command.Of(new Command(text, id, ReplyTo, IsAction: Action == true && roll is null) { Roll = roll }, errors);
    }

    private RoomAct? ToAct(List<FieldError> errors)
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
            var changes = Alone();
            if (changes == new PolicyChanges())
            {
                errors.Add(new FieldError("policy", "required", "Say what of the room is to be changed."));
            }

            act = new RoomAct.Policy(changes.Check(errors));
        }
        else
        {
            act = ModerationAct.Read(this, errors) ?? (RoomAct?)MessageAct.Read(this, errors);
        }

        return errors.Count == 0 ? act : null;
    }
}

/// <summary>The types of commands: one grammar, of which a conversation takes a part.</summary>
internal static class CommandTypes
{
    public static IReadOnlyList<string> OfRooms { get; } =
        ["message", "roll", "edit", "delete", "reaction", "pin", "role", "policy", "kick", "ban", "unban", "mute", "unmute"];

    public static IReadOnlyList<string> OfConversations { get; } = ["message", "edit", "delete", "reaction"];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RoomCommand))]
[JsonSerializable(typeof(ActionMessage))]
internal sealed partial class RoomCommandJson : JsonSerializerContext;
