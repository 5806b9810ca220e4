using WebMessenger.Broker.Events;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is stored of a room.</summary>
/// <param name="Key">
/// Names the room in all that is stored of it: never changed, and never given again. The id is what people and topics call it, and
/// another room may have it after this one.
/// </param>
/// <param name="MakerId">
/// Account id of its maker; null for the rooms that the settings make.
/// Who has the room is a <see cref="MemberRole"/>: the maker has it where nobody is stored to have it.
/// </param>
internal sealed record RoomRecord(
    string Key, RoomId Id, string Title, string Topic, PolicyFields Policy, string? MakerId, DateTimeOffset CreatedAt)
{
    /// <summary>How often it was changed: of two that are stored, the one with more is right.</summary>
    public int Revision { get; init; }

    /// <summary>Under what it is found in the list of rooms.</summary>
    public RoomTags Tags { get; init; } = RoomTags.None;

    public bool IsPrivate => Policy.IsPrivate;

    public string Visibility => Policy.Visibility;

    public LogName Log => LogName.OfRoom(Key);
}

/// <summary>What stays of a deleted room: its id, which is nobody's but its maker's and the administrators' (fault S17).</summary>
/// <param name="Key">Under which what is left of it is stored.</param>
/// <param name="OwnerId">Account id of who had it last; null: only administrators may take the id again.</param>
/// <param name="IsEnding">What was said in it, or the naming of it in access tokens, is still to be removed.</param>
internal sealed record FormerRoom(string Id, string Key, string? OwnerId, bool IsEnding);

/// <summary>Somebody is asked into a room. He is on no list by it, and nobody learns anything of him.</summary>
/// <param name="Room">The key of the room.</param>
/// <param name="By">Account id of who asks.</param>
/// <param name="IsDeclined">He does not want to; kept until its time is over, so that he is not asked again.</param>
internal sealed record Invitation(string Room, string Account, string By, DateTimeOffset At, bool IsDeclined = false);
