namespace WebMessenger.Broker.Rooms;

/// <summary>What became of a change to a room.</summary>
internal enum RoomChange
{
    Done,
    NotFound,
    NotAllowed,
    IdTaken,
    TooMany,
    TriedTooOften,
    IsDefault,

    /// <summary>The owner of a private room stays in it.</summary>
    OwnerStays,

    /// <summary>Who is muted in the room does nothing to others there.</summary>
    Muted,

    /// <summary>Nobody new comes into the room: it is archived.</summary>
    IsArchived,

    /// <summary>Whom it is about is banned from the room.</summary>
    IsBanned,

    /// <summary>Nobody is on a list by it: who was asked may come, if there is anybody of that name.</summary>
    Invited,
}
