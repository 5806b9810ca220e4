namespace WebMessenger.Broker.Devices;

/// <summary>Whether an entry of a log goes to a member of a group.</summary>
internal enum Dealing
{
    /// <summary>It does, and is with it from here on.</summary>
    Dealt,

    /// <summary>It was dealt, or acknowledged, meanwhile: what is after it is to be dealt.</summary>
    Past,

    /// <summary>Members have as much as they may, or the group has ended.</summary>
    Full,
}
