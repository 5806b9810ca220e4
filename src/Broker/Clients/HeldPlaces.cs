using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <summary>A client's places in rooms and in its inbox, which follow from its filters.</summary>
/// <remarks>Guarded by the gate of <see cref="HeldFilters"/>, but for <see cref="OpenLogsAsync"/>, which is called before.</remarks>
internal sealed class HeldPlaces(Delivery delivery, Identity identity, ConnectionServices services)
{
    private readonly HashSet<EventStream> _places = [];

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
                await services.Rooms.InboxOf(identity.Account).OpenAsync();
                continue;
            }

            // A room that the account joins from here on is opened by who puts it on the list.
            foreach (var room in services.Rooms.CoveredBy(filter.Filter, identity.Account.Id))
            {
                await room.OpenAsync();
            }
        }
    }

    /// <summary>Takes, changes or leaves the place in a stream.</summary>
    /// <param name="filters">Of the client's, those that cover the stream; none: it leaves.</param>
    public void Place(EventStream stream, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        if (filters.Length > 0)
        {
            _places.Add(stream);
        }

        stream.Place(delivery, filters, leavesAtOnce, from);
        if (filters.Length == 0)
        {
            _places.Remove(stream);
        }
    }

    /// <summary>Sends what the filter asks to have at once of read positions and of what is unread.</summary>
    public void ReplayInbox(HeldFilter filter)
    {
        var inbox = services.Rooms.InboxOf(identity.Account);
        if (filter.Filter.Reads)
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
        foreach (var place in _places)
        {
            place.Place(delivery, [], atOnce);
        }

        _places.Clear();
    }
}
