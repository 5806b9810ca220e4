using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>Filters that are stored; and those of devices, which the home of the data holds in a house of several nodes.</content>
internal sealed partial class HeldFilters
{
    private bool IsForHome(RoomFilter filter) => relay is { IsUsed: true } && DataRelay.IsForHome(filter);

    // What is left to this node; what the home refuses has its code then. Never throws.
    private async Task<List<HeldFilter>> AskHomeAsync(ushort packetId, SubscribeRequest request, byte[] codes, List<HeldFilter> granted)
    {
        if (!granted.Exists(filter => IsForHome(filter.Filter)))
        {
            return granted;
        }

        // Codes are in the order of what was asked for, and so is what was granted of it.
        List<int> places = [];
        var next = 0;
        for (var i = 0; i < codes.Length; i++)
        {
            if (codes[i] < 0x80 && IsForHome(granted[next++].Filter))
            {
                places.Add(i);
            }
        }

        var answers = await relay!.SubscribeAsync(packetId, granted.FindAll(filter => IsForHome(filter.Filter)), request.Answered);
        for (var i = 0; i < places.Count; i++)
        {
            codes[places[i]] = answers[i];
        }

        return granted.FindAll(filter => !IsForHome(filter.Filter));
    }

    // Never throws.
    private async Task LeaveHomeAsync(ushort packetId, UnsubscribeRequest request)
    {
        List<int> places = [];
        for (var i = 0; i < request.Filters.Count; i++)
        {
            if (RoomFilter.TryParse(request.Filters[i], out var filter, identity.Mount) == FilterError.None && IsForHome(filter!))
            {
                places.Add(i);
            }
        }

        if (places.Count == 0 || !relay!.IsBegun)
        {
            return;
        }

        var answers = await relay.UnsubscribeAsync(packetId, places.ConvertAll(place => request.Filters[place]), request.Answered);
        for (var i = 0; i < places.Count; i++)
        {
            request.Codes[places[i]] = answers[i];
        }
    }

    // A durable client counts on its filters from SUBACK on, so they are on disk before it leaves.
    // False: they are not, and the connection has been cut.
    private async Task<bool> TrySaveFiltersAsync()
    {
        HeldFilter[] filters;
        lock (_filtersGate)
        {
            filters = [.. _filters.Values];
        }

        try
        {
            await services.Durable.SaveAsync(kept, filters);
            return true;
        }
        catch (IOException)
        {
            writer.Silence();
            life.Abort();
            return false;
        }
    }
}
