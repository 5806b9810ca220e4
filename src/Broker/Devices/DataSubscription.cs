using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Devices;

/// <summary>One subscription to data topics of one room: what, how, and whose. Immutable.</summary>
internal sealed class DataSubscription
{
    private readonly int[] _ids = [];

    public required DataFilter Filter { get; init; }

    public required IDataMember Member { get; init; }

    /// <summary>The group that shares what it hears (decision 33); null: none.</summary>
    public DataGroupName? Group { get; init; }

    /// <summary>Granted: 0, 1 or 2.</summary>
    public byte QualityOfService { get; init; }

    public bool NoLocal { get; init; }

    public bool RetainAsPublished { get; init; }

    /// <summary>0: none.</summary>
    public int SubscriptionId
    {
        get => _ids is [var id] ? id : 0;
        init => _ids = value == 0 ? [] : [value];
    }

    /// <summary>The same as a list, which all deliveries share.</summary>
    public int[] SubscriptionIds => _ids;
}
