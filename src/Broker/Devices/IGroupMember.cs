using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Devices;

/// <summary>A connected client that shares a subscription with others.</summary>
/// <remarks>Called on any thread with no lock held. Nothing in it blocks.</remarks>
internal interface IGroupMember : IDataMember
{
    /// <summary>Whether anything of the room may reach the client, now.</summary>
    bool IsOpen { get; }

    /// <summary>Whether the token of the client may hear the topic.</summary>
    bool MayHear(string topic);

    /// <summary>Deliveries that it takes at once now, at QoS 1 or 2. 0: its window or its socket is full, or it is gone.</summary>
    int FreePlaces { get; }

    /// <summary>Writes a delivery at once, or not at all. The group hears of its end by <see cref="DataGroup.Done"/>.</summary>
    /// <param name="isRepeated">Somebody may have had it before: it goes out with DUP.</param>
    /// <param name="touched">Who delivers flushes those that are put here.</param>
    /// <returns>False: it is not written.</returns>
    bool TryTake(DataFrames frames, in DataGrant grant, bool isRepeated, List<IMember> touched);
}
