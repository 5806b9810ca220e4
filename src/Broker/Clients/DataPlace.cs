using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <summary>A client among those who hear the data topics of one room, with its subscriptions there.</summary>
/// <remarks>Changed under the gate of <see cref="HeldFilters"/>, asked by any thread.</remarks>
internal sealed class DataPlace(DataSpace space, DataDelivery delivery, KeptSession kept, Identity identity) : IGroupMember
{
    // Replaced as a whole, for other threads ask it.
    private volatile Dictionary<string, (HeldFilter Held, DataSubscription Its)> _subscriptions = [];
    private volatile HashSet<DataSubscription> _held = [];
    private volatile bool _isLeft;
    private bool _isOver;
    private volatile DataCursor? _cursor;

    /// <summary>The client is kept, and something is kept for it here.</summary>
    public bool IsKept => _cursor is not null;

    /// <summary>Where the client is, if anything of the room may reach it, now or by its next connection.</summary>
    public DataCursor? Cursor => _cursor is { } cursor && IsToKeep && MayRead ? cursor : null;

    public DataSpace Space => space;

    /// <summary>The client sees topics without what stands before them.</summary>
    public bool IsMounted => identity.Mount is not null;

    public ulong PublisherMark => identity.PublisherMark;

    public int Unacknowledged => delivery.Unacknowledged;

    public bool IsLogged => Cursor is not null;

    public int FreePlaces => delivery.FreePlaces;

    public bool TryTake(DataFrames frames, in DataGrant grant, bool isRepeated, List<IMember> touched) =>
        IsOpen && delivery.TryTake(IsMounted, frames, grant, isRepeated, touched);

    public DataMatch Match { get; } = new();

    /// <summary>Whether anything of the room may reach the client, now. Asked at each delivery: a look at fields in memory.</summary>
    public bool IsOpen => !_isLeft && MayRead;

    private bool MayRead => /* guard: data is for who may read it */ RoomPolicy.MayReadData(space.Room, identity.Session!);

    // What is being said as the connection ends: the thread that says it has found the client here, and not yet who stands in for it.
    private bool IsToKeep => !_isLeft || /* guard: what was under way to a connection that is over is owed */ _isOver;

    public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched)
    {
        if (!IsOpen && Cursor is null)
        {
            if (IsToKeep && frames.Seq > 0 && grant is { Group: null, QualityOfService: > 0 })
            {
                _cursor?.Skip(frames.Seq);
            }

            return false;
        }

        // Narrowed to what the token may read, it counts as heard; in a group it is another member's to hear.
        return MayHear(frames.Message.Topic) ? delivery.Hear(this, frames, grant, touched)
            : /* guard: a group's member hears what its token may, at QoS 0 */ grant.Group is null;
    }

    /// <summary>Whether the token of the client may hear the topic.</summary>
    public bool MayHear(string topic) => /* guard: topics that a token hears */ GrantedTopics.MayRead(identity.Session!.Scope, topic);

    /// <summary>Holds these filters from now on, and no others.</summary>
    public void Hold(HeldFilter[] filters)
    {
        var before = _subscriptions;
        Dictionary<string, (HeldFilter Held, DataSubscription Its)> now = [];
        foreach (var filter in Folded(filters))
        {
            var known = before.GetValueOrDefault(filter.Filter.Text);
            if (ReferenceEquals(known.Held, filter))
            {
                now[filter.Filter.Text] = known;
                continue;
            }

            // The new one before the old one ends: in between both match, and that is one delivery.
            now[filter.Filter.Text] = (filter, SubscriptionOf(filter));
        }

        // Before they are heard: what is said from here on is kept.
        Keep([.. now.Values.Select(known => known.Its).Where(its => its.QualityOfService > 0)]);
        foreach (var (text, (held, its)) in now)
        {
            if (ReferenceEquals(before.GetValueOrDefault(text).Held, held))
            {
                continue;
            }

            if (its.Group is null)
            {
                space.Subscribe(its);
            }
            else if (space.Groups.Join(its) is { } group)
            {
                delivery.Join(group);
            }
        }

        _subscriptions = now;
        _held = [.. now.Values.Select(known => known.Its)];
        foreach (var (text, (_, its)) in before)
        {
            if (now.GetValueOrDefault(text).Its == its)
            {
                continue;
            }

            if (its.Group is null)
            {
                space.Unsubscribe(its);
            }
            else
            {
                LeaveGroup(its);
            }
        }
    }

    /// <summary>Sends what is retained of what a filter matches, at once if it is in memory. Never throws.</summary>
    public async Task ReplayAsync(HeldFilter filter, DataSpaces spaces)
    {
        try
        {
            await spaces.OpenAsync(space.Room);
        }
        catch (IOException)
        {
            // The operator has heard of it from the store; the client subscribes again.
            return;
        }

        // MQTT 5.0, 4.8.2: a shared subscription gets no retained messages.
        if (filter.Filter.Group is null && _subscriptions.GetValueOrDefault(filter.Filter.Text).Its is { } its)
        {
            delivery.Replay(this, its);
        }
    }

    /// <summary>The client has missed something of what it is owed. What is retained comes at once if it is in memory.</summary>
    public void ReplayAfterGap()
    {
        if (space.Retained is { IsOpen: false } retained)
        {
            _ = ReplayAfterGapAsync(retained);
        }
        else if (space.Retained is not null)
        {
            SendAfterGap();
        }
    }

    /// <summary>What was on its way is not delivered any more.</summary>
    /// <param name="isOver">The connection is over: what the client is owed is kept.</param>
    public void Leave(bool isOver)
    {
        // In this order, for other threads ask.
        _isOver = isOver;
        _isLeft = true;
        Hold([]);
        delivery.Feeder.Remove(this);
    }

    /// <summary>Whether a subscription is still held, for what is sent of it later.</summary>
    public bool Holds(DataSubscription subscription) => _held.Contains(subscription);

    // `rooms/{room}/data/#` and `rooms/+/data/#` of one group are one place in it: the client has that as long as it holds one of them.
    private static IEnumerable<HeldFilter> Folded(HeldFilter[] filters) => filters
        .GroupBy(held => (held.Filter.Group, held.Filter.Group is null ? held.Filter.Text : held.Filter.Data!.Text))
        .Select(same => same.MaxBy(held => held.QualityOfService)!);

    private async Task ReplayAfterGapAsync(IRetainedValues retained)
    {
        // If not, the operator has heard of it from the store; the client is told on its next connection.
        if (await retained.OpenAsync())
        {
            SendAfterGap();
        }
    }

    private void SendAfterGap()
    {
        foreach (var (held, its) in _subscriptions.Values)
        {
            if (its is { Group: null, QualityOfService: > 0 } && held.RetainHandling != RetainHandling.DoNotSend)
            {
                delivery.Replay(this, its, isAfterGap: true);
            }
        }
    }

    private void LeaveGroup(DataSubscription its)
    {
        if (space.Groups.Leave(its) is { } group)
        {
            delivery.Leave(group);
        }
    }

    private void Keep(DataSubscription[] all) => kept.Move(data =>
    {
        if (!_isOver)
        {
            data.Hold(space.Groups, identity.Session!, all.Where(its => its.Group is not null));
        }

        var subscriptions = Array.FindAll(all, its => its.Group is null);
        if (_isOver || (_cursor is null && subscriptions.Length == 0))
        {
            return;
        }

        // Nobody else resumes the client: the thread that asks is the one that does it.
        _cursor = data.HoldIn(space.Room, subscriptions, kept.IsResuming);
        if (_cursor is { } cursor)
        {
            cursor.Reader = delivery;
            delivery.Feeder.Add(this);
        }
    });

    private DataSubscription SubscriptionOf(HeldFilter held) => new()
    {
        Filter = held.Filter.Data!,
        Member = this,
        QualityOfService = held.QualityOfService,

        // Bridges have no word for it in 3.1.1, and count on it (mosquitto's try_private).
        NoLocal = held.Filter.Group is null && (held.NoLocal || /* guard: no echo for bridges */ identity.IsBridge),
        RetainAsPublished = held.RetainAsPublished || identity.IsBridge,
        SubscriptionId = held.SubscriptionId,
        Group = held.Filter.Group is { } share ? new DataGroupName(identity.Account.Id, identity.Mount, share) : null,
    };
}
