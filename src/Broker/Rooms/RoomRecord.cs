using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is stored of a room.</summary>
/// <param name="OwnerId">Account id of its maker, or of who has it after the maker was erased; null for the rooms that the settings make.</param>
internal sealed record RoomRecord(RoomId Id, string Title, string Topic, bool IsPrivate, string? OwnerId, DateTimeOffset CreatedAt)
{
    public string Visibility => IsPrivate ? "private" : "public";
}

/// <summary>What stays of a deleted room: its id, which is nobody's but its maker's and the administrators' (fault S17).</summary>
/// <param name="OwnerId">Account id of who had it last; null: only administrators may take the id again.</param>
/// <param name="IsEnding">What was said in it, or the naming of it in access tokens, is still to be removed.</param>
internal sealed record FormerRoom(string Id, string? OwnerId, bool IsEnding);

/// <summary>Somebody is asked into a room. He is on no list by it, and nobody learns anything of him.</summary>
/// <param name="By">Account id of who asks.</param>
/// <param name="IsDeclined">He does not want to; kept until its time is over, so that he is not asked again.</param>
internal sealed record Invitation(string Room, string Account, string By, DateTimeOffset At, bool IsDeclined = false);
