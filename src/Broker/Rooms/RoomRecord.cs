namespace WebMessenger.Broker.Rooms;

/// <summary>What is stored of a room.</summary>
/// <param name="OwnerId">Account id of its maker; null for the rooms that the settings make.</param>
internal sealed record RoomRecord(RoomId Id, string Title, string Topic, bool IsPrivate, string? OwnerId, DateTimeOffset CreatedAt)
{
    public string Visibility => IsPrivate ? "private" : "public";
}
