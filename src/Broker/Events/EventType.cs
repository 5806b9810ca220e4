namespace WebMessenger.Broker.Events;

/// <summary>What an event says; the number is what the log keeps and must never change.</summary>
internal enum EventType : byte
{
    Message = 1,
    Join = 2,
    Leave = 3,
    Whisper = 4,
}

internal static class EventTypes
{
    // A newer version wrote it, before the program was rolled back. Its seq counts, and clients skip what they do not know.
    private static ReadOnlySpan<byte> Unknown => "unknown"u8;

    public static bool IsKnown(EventType type) => type is EventType.Message or EventType.Join or EventType.Leave or EventType.Whisper;

    /// <summary>The `type` field of the event's JSON.</summary>
    public static ReadOnlySpan<byte> NameOf(EventType type) => type switch
    {
        EventType.Message => "message"u8,
        EventType.Join => "join"u8,
        EventType.Leave => "leave"u8,
        EventType.Whisper => "whisper"u8,
        _ => Unknown,
    };
}
