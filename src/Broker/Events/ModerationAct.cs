using System.Text.Json;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>Takes somebody off a room's list, keeps him out of the room or quiet in it, or ends that.</summary>
/// <param name="Event">Kick, ban, unban, mute or unmute.</param>
/// <param name="User">A user name, as it was given.</param>
/// <param name="Minutes">For so long; 0: until it is lifted. Of a ban or mute.</param>
/// <param name="Reason">For the person and who looks after the room; null: none was given.</param>
/// <param name="IsPublic">Everybody in the room hears the reason.</param>
/// <param name="DeleteSince">What he said in the room in so many minutes is deleted; 0: nothing is. Of a kick or ban.</param>
internal sealed record ModerationAct(EventType Event, string User, int Minutes, string? Reason, bool IsPublic, int DeleteSince = 0) : RoomAct
{
    /// <summary>The longest that anybody is banned or muted for, if it is not for ever: a year.</summary>
    public const int LongestMinutes = 525_600;

    /// <summary>What was said longer ago stays: a day.</summary>
    public const int LongestDeleteSince = 1_440;

    private const int ReasonLength = 500;

    public override EventType Event { get; } = Event;

    public override string Canonical => JsonSerializer.Serialize(
        new RoomCommand
        {
            Type = NameOf(Event), User = User, Reason = Reason, Minutes = Minutes, Public = IsPublic, DeleteSince = DeleteSince == 0 ? null : DeleteSince,
        },
        RoomCommandJson.Default.RoomCommand);

    /// <summary>Null: it is another command, or something is wrong with it.</summary>
    public static ModerationAct? Read(RoomCommand command, List<FieldError> errors)
    {
        if (TypeOf(command.Type) is not { } type)
        {
            return null;
        }

        if (string.IsNullOrEmpty(command.User))
        {
            errors.Add(new FieldError("user", "required", "Say who: \"user\" is a user name."));
        }

        var hasTime = type is EventType.Ban or EventType.Mute;
        if (hasTime && command.Minutes is < 0 or > LongestMinutes)
        {
            errors.Add(new FieldError("minutes", "invalid", "\"minutes\" is 0 to 525600, 0 for no end."));
        }

        var putsOut = type is EventType.Kick or EventType.Ban;
        if (/* guard: how far back somebody's words are deleted */ putsOut && command.DeleteSince is < 1 or > LongestDeleteSince)
        {
            errors.Add(new FieldError("deleteSince", "invalid", "\"deleteSince\" is 1 to 1440 minutes."));
        }

        var reason = command.Reason is null ? null : PlainLine.Of(command.Reason).Trim();
        if (/* guard: length of a reason */ reason?.EnumerateRunes().Count() > ReasonLength)
        {
            errors.Add(new FieldError("reason", "too_long", "A reason has at most 500 characters."));
        }

        return new ModerationAct(
            type,
            command.User ?? "",
            hasTime ? command.Minutes ?? 0 : 0,
            reason is { Length: 0 } ? null : reason,
            command.Public == true,
            putsOut ? command.DeleteSince ?? 0 : 0);
    }

    /// <summary>As the command and its event are called.</summary>
    public static string NameOf(EventType type) => System.Text.Encoding.ASCII.GetString(EventTypes.NameOf(type));

    private static EventType? TypeOf(string? name) => name switch
    {
        "kick" => EventType.Kick,
        "ban" => EventType.Ban,
        "unban" => EventType.Unban,
        "mute" => EventType.Mute,
        "unmute" => EventType.Unmute,
        _ => null,
    };
}
