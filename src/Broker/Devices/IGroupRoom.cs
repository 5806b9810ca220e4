using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Devices;

/// <summary>Where groups share something: what devices say in a room, or its talk.</summary>
internal interface IGroupRoom
{
    Room Room { get; }

    /// <summary>What stands before the topic of each <see cref="DataMessage"/> of the log.</summary>
    byte[] Prefix { get; }

    IGroupLog Log { get; }

    /// <summary>Whether the login session may hear what is shared here, now.</summary>
    bool MayRead(LoginSession session);

    /// <summary>The key of the record that says where a group is.</summary>
    byte[] KeyOf(DataGroupName name, string filter);

    /// <summary>The group hears what matches its filter from here on.</summary>
    void Subscribe(DataGroup group);

    /// <summary>It does not any more.</summary>
    void Unsubscribe(DataGroup group);
}

/// <summary>The log that groups are dealt from: the data log of a room, or its event log.</summary>
internal interface IGroupLog
{
    /// <summary>Up to here each entry is on disk, or never will be. In memory.</summary>
    long Stored { get; }

    /// <summary>The cursor begins with what comes, or where it was restored.</summary>
    void Add(DataGroupCursor cursor);

    void Remove(DataGroupCursor cursor);

    /// <summary>The cursor is told when all that has a seq now is on disk.</summary>
    void TellWhenStored(DataGroupCursor cursor);

    /// <summary>Some of what is stored after a seq. Reads the disk.</summary>
    /// <param name="end">How far that is: nothing between is left out but what is not there any more.</param>
    /// <param name="most">Entries, at least 1.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    IReadOnlyList<(long Seq, DataMessage? Message)> Read(long after, out long end, int most);

    /// <summary>Null: it is not there any more. Reads the disk.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    DataMessage? Find(long seq);
}
