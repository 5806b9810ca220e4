using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is looked through when somebody looks for a room, and the record that it was made of.</summary>
internal sealed record SearchedRoom(RoomRecord Record, string Text, string[] Tags)
{
    /// <summary>Made anew after a change of the room, and else once.</summary>
    public static SearchedRoom Of(RoomRecord record, SearchedRoom? before) => before is not null && ReferenceEquals(before.Record, record)
        ? before
        : new SearchedRoom(record, SearchText.Of($"{record.Id} {record.Title} {record.Topic} {string.Join(' ', record.Tags)}"), [.. record.Tags.Select(SearchText.Of)]);
}
