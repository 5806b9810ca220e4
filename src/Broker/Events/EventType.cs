namespace WebMessenger.Broker.Events;

/// <summary>What an event says; the number is what the log keeps and must never change.</summary>
internal enum EventType : byte
{
    Message = 1,
    Join = 2,
    Leave = 3,
    Whisper = 4,

    /// <summary>Somebody was given a role. 16 to 31 are what is done to rooms and to others in them.</summary>
    Role = 16,

    /// <summary>The room's rules, or what it is called, were changed.</summary>
    Policy = 17,
}

internal static class EventTypes
{
    // A newer version wrote it, before the program was rolled back. Its seq counts, and clients skip what they do not know.
    private static ReadOnlySpan<byte> Unknown => "unknown"u8;

    public static bool IsKnown(EventType type) => type is EventType.Message or EventType.Join or EventType.Leave or EventType.Whisper or EventType.Role or EventType.Policy;

    /// <summary>The `type` field of the event's JSON.</summary>
    public static ReadOnlySpan<byte> NameOf(EventType type) => type switch
    {
        EventType.Message => "message"u8,
        EventType.Join => "join"u8,
        EventType.Leave => "leave"u8,
        EventType.Whisper => "whisper"u8,
        EventType.Role => "role"u8,
        EventType.Policy => "policy"u8,
        _ => Unknown,
    };
}
