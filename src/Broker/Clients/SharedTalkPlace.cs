using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <summary>A client among those that share the talk of one room, with its groups there. Nobody is present by it.</summary>
/// <remarks>Changed under the gate of <see cref="HeldFilters"/>, asked by any thread.</remarks>
internal sealed class SharedTalkPlace(Room room, DataGroups groups, DataDelivery delivery, KeptSession kept, Identity identity) : IGroupMember
{
    // By the name of the group: in a room it is one, whichever filters cover that.
    private Dictionary<string, DataSubscription> _subscriptions = [];
    private volatile bool _isLeft;

    public ulong PublisherMark => identity.PublisherMark;

    public int Unacknowledged => delivery.Unacknowledged;

    public DataMatch Match { get; } = new();

    public bool IsOpen => !_isLeft && SharedTalk.MayHear(room, identity.Session!);

    public int FreePlaces => delivery.FreePlaces;

    public bool MayHear(string topic) => true;

    // Events come from the log alone.
    public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched) => false;

    public bool TryTake(DataFrames frames, in DataGrant grant, bool isRepeated, List<IMember> touched) =>
        IsOpen && delivery.TryTake(isMounted: false, frames, grant, isRepeated, touched);

    /// <summary>Holds these filters from now on, and no others.</summary>
    public void Hold(HeldFilter[] filters)
    {
        var before = _subscriptions;
        Dictionary<string, DataSubscription> now = [];
        foreach (var held in filters)
        {
            var share = held.Filter.Group!;
            if (!now.TryGetValue(share, out var other) || other.QualityOfService < held.QualityOfService)
            {
                now[share] = SubscriptionOf(share, held);
            }
        }

        // Before anything is dealt to it: where the group is is kept from here on.
        kept.Move(data => data.Hold(groups, identity.Session!, now.Values.Where(its => its.QualityOfService > 0)));
        foreach (var its in now.Values)
        {
            if (groups.Join(its) is { } group)
            {
                delivery.Join(group);
            }
        }

        _subscriptions = now;
        LeaveGroups(before);
    }

    /// <param name="isOver">The connection is over: where its groups are is kept.</param>
    public void Leave(bool isOver)
    {
        _isLeft = true;
        if (!isOver)
        {
            Hold([]);
            return;
        }

        LeaveGroups(_subscriptions);
    }

    private void LeaveGroups(Dictionary<string, DataSubscription> some)
    {
        foreach (var its in some.Values)
        {
            if (groups.Leave(its) is { } group)
            {
                delivery.Leave(group);
            }
        }
    }

    private DataSubscription SubscriptionOf(string share, HeldFilter held) => new()
    {
        Filter = DataFilter.All,
        Member = this,
        QualityOfService = held.QualityOfService,
        SubscriptionId = held.SubscriptionId,
        Group = new DataGroupName(identity.Account.Id, null, share),
    };
}
