using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Devices;

/// <summary>What became of a value that was to be retained.</summary>
internal enum RetainedOutcome
{
    /// <summary>On disk (QoS 1 and 2), or to be there within a second (QoS 0). Of an empty payload: the value is gone.</summary>
    Stored,

    /// <summary>The room, or all rooms of its owner, hold as many values or bytes as they may: nothing was changed (0x97).</summary>
    Full,

    /// <summary>The rooms of all hold as much as they may: nothing was changed, and it may be tried again.</summary>
    NoMemory,

    /// <summary>The disk took nothing.</summary>
    NotStored,
}

/// <summary>The retained values of one room. Thread-safe.</summary>
/// <remarks>
/// They belong to the room's key: a room that is deleted takes them with it, and an id that is used again shows nothing old.
/// </remarks>
internal interface IRetainedValues
{
    /// <summary>
    /// They are in memory: they may be let go when nobody has asked for them lately, or their account holds too much.
    /// </summary>
    bool IsOpen { get; }

    /// <summary>Has them in memory, anew if they were let go. May read a disk. False: they cannot be read.</summary>
    ValueTask<bool> OpenAsync();

    /// <summary>By how many bytes the disk would have more, with the key, if it were set. Never below zero.</summary>
    int GrowthOf(DataMessage message);

    /// <summary>
    /// Sets the value of a topic, or clears it with an empty payload. What the call decides is seen by <see cref="Walk"/> when it
    /// returns; calls for one topic come one after the other, and the last one stands. <see cref="RetainedOutcome.Full"/> and
    /// <see cref="RetainedOutcome.NoMemory"/> are known when the call returns: the task is completed then. What has to wait until they
    /// are in memory is not stored instead.
    /// </summary>
    /// <returns>Completes when a value of QoS 1 or 2 is on disk; of QoS 0 at once. Never throws for a full or broken disk.</returns>
    ValueTask<RetainedOutcome> SetAsync(DataMessage message);

    /// <summary>
    /// Those that the filter matches, in no order but that of the tree; those that expired are left out. Never reads a disk.
    /// </summary>
    /// <remarks>
    /// Lazy: a client takes what is enumerated at its own pace, for a minute perhaps, while values are set. Each value is that of the
    /// moment at which it is taken: never one that was replaced before.
    /// </remarks>
    /// <returns>A null after each hundred or so that were looked at, for who lets others have a turn.</returns>
    IEnumerable<DataMessage?> Walk(DataFilter filter);
}

/// <summary>The retained values of all rooms. Thread-safe.</summary>
internal interface IRetainedRooms
{
    /// <summary>
    /// Has the room's values in memory. May read a disk, and is asked before a client hears or says anything there.
    /// </summary>
    /// <param name="roomKey">Of a room that there is.</param>
    /// <param name="ownerId">Whose the room is; null: nobody's.</param>
    /// <returns>The same object for the same key.</returns>
    /// <exception cref="IOException">They cannot be read.</exception>
    ValueTask<IRetainedValues> OpenAsync(string roomKey, string? ownerId = null);

    /// <summary>The room is deleted: nothing of its values is left, in memory at once, on disk with the room.</summary>
    void Forget(string roomKey);
}
