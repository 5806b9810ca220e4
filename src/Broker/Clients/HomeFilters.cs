using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <summary>The filters of a client that the home of the data topics holds, in a house of several nodes.</summary>
internal sealed class HomeFilters(DataRelay relay, Identity identity)
{
    /// <summary>Devices, and talk that several clients share; of a client without mount.</summary>
    public bool Has(RoomFilter filter) => relay.IsUsed && (filter.Data is not null || filter.Group is not null);

    /// <summary>Asks for what was granted here; what the home refuses has its code then. Never throws.</summary>
    /// <param name="granted">In the order of their codes.</param>
    /// <returns>What is left to this node.</returns>
    public async Task<List<HeldFilter>> AskAsync(ushort packetId, SubscribeRequest request, byte[] codes, List<HeldFilter> granted)
    {
        if (!granted.Exists(filter => Has(filter.Filter)))
        {
            return granted;
        }

        // Codes are in the order of what was asked for, and so is what was granted of it.
        List<int> places = [];
        var next = 0;
        for (var i = 0; i < codes.Length; i++)
        {
            if (codes[i] < 0x80 && Has(granted[next++].Filter))
            {
                places.Add(i);
            }
        }

        var answers = await relay.SubscribeAsync(packetId, granted.FindAll(filter => Has(filter.Filter)), request.Answered);
        for (var i = 0; i < places.Count; i++)
        {
            codes[places[i]] = answers[i];
        }

        return granted.FindAll(filter => !Has(filter.Filter));
    }

    /// <summary>Gives up what an UNSUBSCRIBE names. Never throws.</summary>
    public async Task LeaveAsync(ushort packetId, UnsubscribeRequest request)
    {
        List<int> places = [];
        for (var i = 0; i < request.Filters.Count; i++)
        {
            if (RoomFilter.TryParse(request.Filters[i], out var filter, identity.Mount) == FilterError.None && Has(filter!))
            {
                places.Add(i);
            }
        }

        if (places.Count == 0 || !relay.IsBegun)
        {
            return;
        }

        var answers = await relay.UnsubscribeAsync(packetId, places.ConvertAll(place => request.Filters[place]), request.Answered);
        for (var i = 0; i < places.Count; i++)
        {
            request.Codes[places[i]] = answers[i];
        }
    }
}
