using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>A room that its moderators keep quiet for a while: who says so, for how long, and in what words.</summary>
internal static class Quiet
{
    /// <summary>So far ahead at most.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    public static PublishRefusal TooLong { get; } =
        new(ReasonCode.ImplementationSpecificError, "A room is kept quiet for 24 hours at most.", "quiet_too_long");

    /// <summary>What a command changes when it is done: a time that is past ends the quiet, and what changes nothing is left out.</summary>
    /// <returns>Null: it is too far ahead.</returns>
    public static PolicyChanges? AsOf(PolicyChanges changes, PolicyFields before, DateTimeOffset now)
    {
        if (changes.QuietMinutes is { } minutes)
        {
            return changes with { QuietUntil = new QuietChange(now.AddMinutes(minutes)), QuietMinutes = null };
        }

        if (changes.QuietUntil is not { } quiet)
        {
            return changes;
        }

        if (quiet.Until is { } until && until > now)
        {
            return (/* guard: a quiet of a day at most */ until > now + Longest) ? null
                : until == before.QuietUntil ? changes with { QuietUntil = null }
                : changes;
        }

        // What never was, or is over by itself, is not ended once more: nothing is told of it.
        return changes with { QuietUntil = before.QuietUntil > now ? new QuietChange(null) : null };
    }

    /// <summary>For `/text`; null: the change, as <see cref="AsOf"/> gives it, says nothing of quiet.</summary>
    public static string? LineOf(PolicyChanges changes, string by) => changes.QuietUntil is not { } quiet ? null : LineOf(quiet.Until, by);

    /// <summary>The same.</summary>
    /// <param name="quietUntil">Null: it is ended.</param>
    public static string LineOf(DateTimeOffset? quietUntil, string by) =>
        PlainLine.OfAct(quietUntil is { } until ? $"{by} keeps the room quiet until {Timestamps.Format(until)}" : $"{by} ends the quiet");
}
