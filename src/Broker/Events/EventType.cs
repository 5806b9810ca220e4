namespace WebMessenger.Broker.Events;

/// <summary>What an event says; the number is what the log keeps and must never change.</summary>
internal enum EventType : byte
{
    Message = 1,
    Join = 2,
    Leave = 3,
    Whisper = 4,

    /// <summary>A message was given another text.</summary>
    Edit = 5,

    /// <summary>A message was deleted.</summary>
    Delete = 6,

    /// <summary>Somebody put an emoji on a message, or took it back.</summary>
    Reaction = 7,

    /// <summary>A message was pinned, or is no more.</summary>
    Pin = 8,

    /// <summary>What stays, in its place, of a message that was deleted.</summary>
    Removed = 9,

    /// <summary>Somebody was given a role. 16 to 31 are what is done to rooms and to others in them.</summary>
    Role = 16,

    /// <summary>The room's rules, or what it is called, were changed.</summary>
    Policy = 17,

    /// <summary>Somebody was taken off the list.</summary>
    Kick = 18,

    /// <summary>Somebody was taken off the list and may not come in again, until its end or for ever.</summary>
    Ban = 19,

    /// <summary>A ban was lifted.</summary>
    Unban = 20,

    /// <summary>Somebody may hear and not write, until its end or until it is lifted.</summary>
    Mute = 21,

    /// <summary>A mute was lifted.</summary>
    Unmute = 22,

    /// <summary>What is before it came in a file, of a room elsewhere or of another time.</summary>
    Imported = 31,

    /// <summary>To an account alone: it was named. 32 to 47 are notices.</summary>
    MentionNotice = 32,

    /// <summary>To an account alone: what it said was answered.</summary>
    ReplyNotice = 33,

    /// <summary>To an account alone: it is asked into a room.</summary>
    InviteNotice = 34,

    /// <summary>To an account alone: somebody asks to be let into a room of its.</summary>
    RequestNotice = 35,

    /// <summary>To an account alone: something was reported in a room of its.</summary>
    ReportNotice = 36,

    /// <summary>To an account alone: what it reported was looked at.</summary>
    ReportedNotice = 37,

    /// <summary>To an account alone: whether it is let into the room that it asked for.</summary>
    RequestedNotice = 38,

    /// <summary>In an inbox: a message of a conversation, which says all else (<see cref="EventBody.PointerOf"/>).</summary>
    Pointer = 48,

    /// <summary>The same of what is no message.</summary>
    ActPointer = 49,

    /// <summary>What the reader of an inbox said to somebody, where he is shown it. Stored nowhere.</summary>
    Sent = 50,
}

internal static class EventTypes
{
    // A newer version wrote it, before the program was rolled back. Its seq counts, and clients skip what they do not know.
    private static ReadOnlySpan<byte> Unknown => "unknown"u8;

    public static bool IsKnown(EventType type) => type
        is EventType.Message or EventType.Join or EventType.Leave or EventType.Whisper
        or EventType.Edit or EventType.Delete or EventType.Reaction or EventType.Pin or EventType.Removed
        or (>= EventType.Role and <= EventType.Unmute) or EventType.Imported
        or (>= EventType.MentionNotice and <= EventType.RequestedNotice)
        or EventType.Pointer or EventType.ActPointer or EventType.Sent;

    /// <summary>The `type` field of the event's JSON.</summary>
    public static ReadOnlySpan<byte> NameOf(EventType type) => type switch
    {
        EventType.Message => "message"u8,
        EventType.Join => "join"u8,
        EventType.Leave => "leave"u8,
        EventType.Whisper => "whisper"u8,
        EventType.Edit => "edit"u8,
        EventType.Delete => "delete"u8,
        EventType.Reaction => "reaction"u8,
        EventType.Pin => "pin"u8,
        EventType.Removed => "removed"u8,
        EventType.Role => "role"u8,
        EventType.Policy => "policy"u8,
        EventType.Kick => "kick"u8,
        EventType.Ban => "ban"u8,
        EventType.Unban => "unban"u8,
        EventType.Mute => "mute"u8,
        EventType.Unmute => "unmute"u8,
        EventType.Imported => "imported"u8,
        EventType.MentionNotice => "mention"u8,
        EventType.ReplyNotice => "reply"u8,
        EventType.InviteNotice => "invite"u8,
        EventType.RequestNotice => "request"u8,
        EventType.ReportNotice => "report"u8,
        EventType.ReportedNotice => "reported"u8,
        EventType.RequestedNotice => "requested"u8,
        EventType.Sent => "sent"u8,
        _ => Unknown,
    };
}
