using System.Globalization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is said of a kick, a ban or a mute: on `/text` to all, and by a notice to the person.</summary>
internal static class ModerationWords
{
    /// <summary>As an event names them.</summary>
    public static Author AuthorOf(Account whom) => Author.Of(whom, whom.IsGuest ? "guest" : "person");

    /// <summary>For `/text`, behind what no message's line begins with (<see cref="PlainLine.OfAct"/>).</summary>
    public static string LineOf(ModerationAct act, Account by, Author whom) =>
        LineOf(act.Event, AuthorOf(by).Name, whom.Name, act.Minutes, act.IsPublic ? act.Reason : null);

    /// <summary>The same.</summary>
    /// <param name="reason">That all are told; null: none.</param>
    public static string LineOf(EventType act, string from, string target, int minutes, string? reason)
    {
        var line = act switch
        {
            EventType.Kick => $"{from} removed {target}",
            EventType.Ban => $"{from} banned {target}{SpanOf(minutes)}",
            EventType.Unban => $"{from} lifted the ban of {target}",
            EventType.Mute => $"{from} muted {target}{SpanOf(minutes)}",
            _ => $"{from} lets {target} write again",
        };
        return PlainLine.OfAct(reason is null ? line : $"{line}: {reason}");
    }

    /// <inheritdoc cref="LineOf(ModerationAct, Account, Author)"/>
    public static string LineOf(bool isArchived, Account by) => LineOf(isArchived, AuthorOf(by).Name);

    /// <inheritdoc cref="LineOf(ModerationAct, Account, Author)"/>
    public static string LineOf(bool isArchived, string by) =>
        PlainLine.OfAct(by + (isArchived ? " archived this room" : " opened this room again"));

    /// <param name="reason">Null: he is not told why.</param>
    public static string NoticeOf(Room room, EventType act, Account by, DateTimeOffset? until, string? reason)
    {
        var title = room.Record.Title;
        var end = until is { } at && act != EventType.Kick ? " until " + Timestamps.Format(at) : "";
        var what = act switch
        {
            EventType.Kick => $"took you out of {title}",
            EventType.Ban => $"banned you from {title}{end}",
            EventType.Unban => $"lifted your ban from {title}",
            EventType.Mute => $"muted you in {title}{end}",
            _ => $"lets you write in {title} again",
        };
        return PlainLine.Of($"{by.DisplayName} ({by.UserName}) {what}." + (reason is null ? "" : " " + reason));
    }

    private static string SpanOf(int minutes) => minutes switch
    {
        0 => "",
        1 => " for 1 minute",
        _ => string.Create(CultureInfo.InvariantCulture, $" for {minutes} minutes"),
    };
}
