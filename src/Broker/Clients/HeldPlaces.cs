using WebMessenger.Broker.Devices;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <summary>A client's places in rooms and in its inbox, which follow from its filters.</summary>
/// <remarks>Guarded by the gate of <see cref="HeldFilters"/>, but for <see cref="OpenLogsAsync"/>, which is called before.</remarks>
internal sealed class HeldPlaces(Writer writer, Delivery delivery, DataDelivery data, KeptSession kept, Identity identity, ConnectionServices services)
{
    private HashSet<EventStream>? _places;

    // Most clients hear no devices.
    private Dictionary<Room, DataPlace>? _dataPlaces;

    // And nearly all share no talk.
    private Dictionary<Room, SharedTalkPlace>? _sharedPlaces;

    private ServerPlace? _atServer;

    // Of the SUBSCRIBE under way.
    private readonly List<(DataGroups Groups, RoomFilter Filter)> _reserved = [];

    /// <summary>
    /// Has the heads of the logs that the filters cover in memory.
    /// Under the gates that are taken to place the client, nobody may wait for a disk.
    /// </summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public async ValueTask OpenLogsAsync(IReadOnlyList<HeldFilter> filters)
    {
        foreach (var filter in filters)
        {
            if (filter.Filter.Inbox is not null)
            {
                var inbox = services.Rooms.InboxOf(identity.Account);
                await (filter.Filter.Notices ? inbox.Notices.OpenAsync() : inbox.OpenAsync());
                continue;
            }

            // A room that the account joins from here on is opened by who puts it on the list.
            foreach (var room in services.Rooms.CoveredBy(filter.Filter, identity.Account.Id))
            {
                await (filter.Filter.Data is null ? room.OpenAsync() : OpenDataAsync(room));
            }
        }
    }

    /// <summary>Whether the rooms that a filter of a group covers have a place for it.</summary>
    public bool MayShare(RoomFilter filter) => GroupsOf(filter).All(groups => groups.MayHold(NameOf(filter), filter.Data ?? DataFilter.All));

    /// <summary>The same, and they keep it until <see cref="Unreserve"/>.</summary>
    public bool TryReserve(RoomFilter filter)
    {
        var before = _reserved.Count;
        foreach (var groups in GroupsOf(filter))
        {
            if (!groups.TryReserve(NameOf(filter), filter.Data ?? DataFilter.All))
            {
                Unreserve(before);
                return false;
            }

            _reserved.Add((groups, filter));
        }

        return true;
    }

    /// <summary>The filters of the SUBSCRIBE under way are held, or never will be.</summary>
    /// <param name="but">So many stay.</param>
    public void Unreserve(int but = 0)
    {
        foreach (var (groups, filter) in _reserved.Skip(but))
        {
            groups.Unreserve(NameOf(filter), filter.Data ?? DataFilter.All);
        }

        _reserved.RemoveRange(but, _reserved.Count - but);
    }

    /// <summary>Takes, changes or leaves the places in a room: that in what is said there, and that in what devices say.</summary>
    /// <param name="filters">Of the client's, those that cover the room.</param>
    public void Place(Room room, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        var mayRead = identity.Session!.Scope.Allows(room.Id.Value, Auth.Sessions.Verbs.Read);
        var talk = mayRead ? Array.FindAll(filters, filter => filter.Filter is { Data: null, Group: null }) : [];
        Place((EventStream)room, talk, leavesAtOnce, from);
        PlaceInData(room, Array.FindAll(filters, filter => filter.Filter.Data is not null));
        PlaceInSharedTalk(room, mayRead ? Array.FindAll(filters, filter => filter.Filter is { Data: null, Group: not null }) : []);
    }

    /// <summary>Sends what is retained of the topics that a filter matches in the room.</summary>
    public void Replay(Room room, HeldFilter filter)
    {
        if (filter.Filter.Data is null)
        {
            room.Replay(delivery, filter);
        }
        else if (_dataPlaces?.GetValueOrDefault(room) is { } place)
        {
            _ = place.ReplayAsync(filter, services.Data);
        }
    }

    /// <summary>Takes, changes or leaves the place among those who hear the server.</summary>
    /// <param name="filters">Of the client's, those that ask for that; none: it leaves.</param>
    /// <param name="replayed">What there is of this one is sent. Null: of none.</param>
    public void PlaceAtServer(HeldFilter[] filters, HeldFilter? replayed)
    {
        if (filters.Length == 0)
        {
            LeaveServer();
            return;
        }

        if (_atServer is null)
        {
            services.Server.Enter(_atServer = new ServerPlace(writer, identity, services.Time));
        }

        _atServer.Hold(filters);
        if (replayed is not null)
        {
            services.Server.Replay(_atServer, replayed);
        }
    }

    /// <summary>Takes, changes or leaves the place in a stream.</summary>
    /// <param name="filters">Of the client's, those that cover the stream; none: it leaves.</param>
    public void Place(EventStream stream, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        if (filters.Length > 0)
        {
            (_places ??= []).Add(stream);
        }

        stream.Place(delivery, filters, leavesAtOnce, from);
        if (filters.Length == 0)
        {
            _places?.Remove(stream);
        }
    }

    /// <summary>Sends what the filter asks to have at once of read positions and of what is unread.</summary>
    public void ReplayInbox(HeldFilter filter)
    {
        var inbox = services.Rooms.InboxOf(identity.Account);
        if (filter.Filter.Reads || filter.Filter.ReadConversation is not null)
        {
            inbox.Enqueue(new ReadReplay(services.Positions, services.Rooms, delivery, filter));
        }

        if (filter.Filter.Unread)
        {
            inbox.Enqueue(new UnreadReplay(services.Unread, delivery, filter));
        }
    }

    /// <summary>From where the client is, not from where its filters say: an erased account is on no list any more.</summary>
    public void LeaveAll(bool atOnce)
    {
        foreach (var place in _places ?? [])
        {
            place.Place(delivery, [], atOnce);
        }

        _places?.Clear();
        foreach (var place in _dataPlaces?.Values ?? Enumerable.Empty<DataPlace>())
        {
            place.Leave(isOver: true);
        }

        _dataPlaces = null;
        foreach (var place in _sharedPlaces?.Values ?? Enumerable.Empty<SharedTalkPlace>())
        {
            place.Leave(isOver: true);
        }

        _sharedPlaces = null;
        LeaveServer();
    }

    private void LeaveServer()
    {
        if (_atServer is { } place)
        {
            services.Server.Leave(place);
            _atServer = null;
        }
    }

    private IEnumerable<DataGroups> GroupsOf(RoomFilter filter) => services.Rooms.CoveredBy(filter, identity.Account.Id)
        .Select(services.Data.Of)
        .Select(space => filter.Data is null ? space.Talk.Groups : space.Groups);

    // The talk of a room is shared beside all mounts.
    private DataGroupName NameOf(RoomFilter filter) =>
        new(identity.Account.Id, filter.Data is null ? null : identity.Mount, filter.Group!);

    // Who is on the room's list is placed there, and each delivery asks whether he may hear it: rules and roles change.
    private void PlaceInData(Room room, HeldFilter[] filters)
    {
        var place = _dataPlaces?.GetValueOrDefault(room);
        if (filters.Length == 0 || !RoomPolicy.MayHear(room, identity.Account))
        {
            place?.Leave(isOver: false);
            _dataPlaces?.Remove(room);
            return;
        }

        if (place is null)
        {
            (_dataPlaces ??= [])[room] = place = new DataPlace(services.Data.Of(room), data, kept, identity);
        }

        place.Hold(filters);
    }

    private void PlaceInSharedTalk(Room room, HeldFilter[] filters)
    {
        var place = _sharedPlaces?.GetValueOrDefault(room);
        if (filters.Length == 0 || !RoomPolicy.MayHear(room, identity.Account))
        {
            place?.Leave(isOver: false);
            _sharedPlaces?.Remove(room);
            return;
        }

        if (place is null)
        {
            (_sharedPlaces ??= [])[room] = place = new SharedTalkPlace(room, services.Data.Of(room).Talk.Groups, data, kept, identity);
        }

        place.Hold(filters);
    }

    // Where they cannot be read the client hears what comes; its talk is no part of that.
    private async ValueTask OpenDataAsync(Room room)
    {
        try
        {
            await services.Data.OpenAsync(room);
        }
        catch (IOException)
        {
            // The operator has heard of it from the store.
        }
    }
}
