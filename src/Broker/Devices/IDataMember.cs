using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Devices;

/// <summary>Whoever hears data topics of one room: a client there, or a group of clients that share what they hear.</summary>
/// <remarks>
/// The space calls it on one thread at a time, in the order of the room's publishes, and with no lock held. Nothing in it blocks.
/// </remarks>
internal interface IDataMember
{
    /// <summary>See <see cref="DataMessage.PublisherMark"/>.</summary>
    ulong PublisherMark { get; }

    /// <summary>What it has and has not acknowledged, of QoS 1 and 2.</summary>
    int Unacknowledged { get; }

    /// <summary>
    /// It stands in the room's data log, and may hear something: what matches at QoS 1 or 2 is stored for it.
    /// </summary>
    bool IsLogged => false;

    /// <summary>It looks into payloads: where such a one hears, nothing is said on a thread that waits for sockets.</summary>
    bool LooksInside => false;

    /// <summary>Which of its subscriptions match what is delivered now. The space's alone.</summary>
    DataMatch Match { get; }

    /// <summary>One publish, once, however many of its subscriptions match.</summary>
    /// <param name="touched">Who delivers flushes those that are put here.</param>
    /// <returns>False: it cannot be delivered any more, because the client is gone or may not hear it.</returns>
    bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched);
}

/// <summary>How a publish is delivered to one member.</summary>
/// <param name="QualityOfService">The highest that was granted of its subscriptions that match, and at most that of the publish.</param>
/// <param name="Retain">The flag as it is written.</param>
/// <param name="SubscriptionIds">Of all of its subscriptions that match (MQTT 5.0, 3.3.4).</param>
/// <param name="Group">The group whose turn it is taken in; null: none.</param>
internal readonly record struct DataGrant(byte QualityOfService, bool Retain, int[] SubscriptionIds, DataGroup? Group = null);
