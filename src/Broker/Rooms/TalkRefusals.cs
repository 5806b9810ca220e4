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

    private static readonly PublishRefusal _isRemoved =
        new(ReasonCode.ImplementationSpecificError, "This message was deleted.", "removed");

    /// <summary>Why nothing can be about what is stored there; null: it is a message.</summary>
    /// <param name="body">Empty: there is nothing, or nothing any more.</param>
    public static PublishRefusal? WhyNoMessage(ReadOnlySpan<byte> body) => EventBody.TypeOf(body) switch
    {
        EventType.Message => null,
        EventType.Removed => _isRemoved,
        _ => NoSuchEvent,
    };
}
