using System.Globalization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is said in the same words wherever somebody says or does something.</summary>
internal static class TalkRefusals
{
    public static PublishRefusal NotIn { get; } = new(ReasonCode.NotAuthorized, "Only who is in the room can do this.", "not_allowed");

    public static PublishRefusal RoomFull { get; } =
        new(ReasonCode.QuotaExceeded, "The room is full. Come in when somebody has left.", "room_full");

    public static PublishRefusal NoVerb { get; } =
        new(ReasonCode.NotAuthorized, "This access token may not do this: it lacks the verb post.", "not_allowed");

    public static PublishRefusal ForRooms { get; } = PublishRefusal.BadCommand("This command is for a room.");

    public static PublishRefusal NoSuchEvent { get; } =
        new(ReasonCode.ImplementationSpecificError, "There is no message of this number here.", "no_such_event");

    public static PublishRefusal IsRemoved { get; } =
        new(ReasonCode.ImplementationSpecificError, "This message was deleted.", "removed");

    /// <summary>Said to who is banned, with its end.</summary>
    public static PublishRefusal Banned(Restriction ban) =>
        new(ReasonCode.NotAuthorized, "You are banned from this room" + EndOf(ban) + ".", "room_banned") { Until = ban.Until };

    /// <summary>Said to who was kicked just now.</summary>
    public static PublishRefusal Kicked(Restriction kick, DateTimeOffset now)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(((kick.Until ?? now) - now).TotalSeconds));
        return new(
            ReasonCode.NotAuthorized,
            string.Create(CultureInfo.InvariantCulture, $"You were taken out of this room. You may come in again in {seconds} second{(seconds == 1 ? "" : "s")}."),
            "kicked")
        {
            Until = kick.Until,
        };
    }

    /// <summary>Said to who is muted, with its end.</summary>
    public static PublishRefusal Muted(Restriction mute) =>
        new(ReasonCode.NotAuthorized, "You are muted in this room" + EndOf(mute) + ": you hear it and do not write.", "muted") { Until = mute.Until };

    /// <summary>Said to everybody who would write in an archived room, or come into it.</summary>
    public static PublishRefusal Archived { get; } =
        new(ReasonCode.NotAuthorized, "This room is archived: who is in it reads it, and nobody writes or comes in.", "room_archived");

    /// <summary>Somebody has written the same in the room a moment ago, several times.</summary>
    public static PublishRefusal SaidBefore { get; } =
        new(ReasonCode.NotAuthorized, "You have said the same here a moment ago. This room does not take it again.", "said_before") { IsNamed = true };

    /// <summary>Said to all but moderators while a room is kept quiet, and to guests who would come in.</summary>
    public static PublishRefusal Quiet(DateTimeOffset until) => new(
        ReasonCode.NotAuthorized,
        $"This room is kept quiet until {Timestamps.Format(until)}: until then moderators alone write, and guests do not come in.",
        "quiet")
    {
        Until = until, IsNamed = true,
    };

    /// <summary>Said to who has come just now, and writes a link.</summary>
    public static PublishRefusal NoLinkYet(DateTimeOffset until) => new(
        ReasonCode.NotAuthorized,
        $"Who is new in this room writes no links: you may from {Timestamps.Format(until)}.",
        "no_links_yet")
    {
        Until = until, IsNamed = true,
    };

    /// <param name="wait">Seconds.</param>
    public static PublishRefusal TooManyGuests(int wait) => new(
        ReasonCode.QuotaExceeded,
        string.Create(CultureInfo.InvariantCulture, $"Many guests come into this room just now. Try again in {wait} s."),
        "too_many_guests",
        wait);

    /// <summary>Why nothing can be about what is stored there; null: it is a message.</summary>
    /// <param name="body">Empty: there is nothing, or nothing any more.</param>
    public static PublishRefusal? WhyNoMessage(ReadOnlySpan<byte> body) => EventBody.TypeOf(body) switch
    {
        EventType.Message => null,
        EventType.Removed => IsRemoved,
        _ => NoSuchEvent,
    };

    private static string EndOf(Restriction one) => one.Until is { } until ? " until " + Timestamps.Format(until) : "";
}
