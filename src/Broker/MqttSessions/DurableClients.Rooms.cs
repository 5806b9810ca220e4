using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.MqttSessions;

/// <content>Accounts that come into rooms, and lose them.</content>
internal sealed partial class DurableClients
{
    /// <summary>
    /// An account came on a room's list: for its clients that are away the room begins now.
    /// Call it after those that are connected were placed, or one that leaves meanwhile would be neither.
    /// </summary>
    public void RoomJoined(string accountId, Room room)
    {
        if (_shared is not null)
        {
            _writes.Watch(SharedClients.UnlessOvertakenAsync(Begin));
            return;
        }

        _ = Begin();

        Task Begin()
        {
            lock (_gate)
            {
                return _places.Begin(accountId, room);
            }
        }
    }

    /// <summary>
    /// An account lost a room: what its clients had of it is forgotten, and should it come back, it begins anew.
    /// Clients of a mount there end, connected ones too. Completes when that is on disk.
    /// </summary>
    public Task RoomLostAsync(string accountId, Room room) =>
        _shared is null ? LoseAsync(accountId, room) : SharedClients.UnlessOvertakenAsync(() => LoseAsync(accountId, room));

    // Those that are connected have been placed, and of those that are away the other node writes.
    public void HeardJoined(string accountId, Room room)
    {
        if (_shared is null)
        {
            RoomJoined(accountId, room);
        }
    }

    public Task HeardLostAsync(string accountId, Room room) =>
        _shared is null ? LoseAsync(accountId, room) : SharedClients.UnlessOvertakenAsync(() => LoseAsync(accountId, room, isHeard: true));

    /// <param name="isHeard">Of those that are away the other node writes.</param>
    private Task LoseAsync(string accountId, Room room, bool isHeard = false)
    {
        List<DurableClient> mounted;
        lock (_gate)
        {
            mounted = [.. _index.OfMount(accountId, room).Where(client => !isHeard || client.Connection is not null)];
        }

        mounted.ForEach(client => client.Connection?.LoseMount());
        lock (_gate)
        {
            List<Task> written = [];
            foreach (var client in _index.OfMount(accountId, room).Where(client => !isHeard || client.Connection is not null).ToList())
            {
                // guard: who lost the room of a mount gives back its place
                written.Add(_lives.End(client, saysWill: false));
            }

            written.Add(_places.ForgetAsync(accountId, room, isHeard));
            return Task.WhenAll(written);
        }
    }

    /// <summary>Whether something is kept under the name, of a client that is connected or away.</summary>
    public bool Has(string accountId, string clientId)
    {
        lock (_gate)
        {
            return _index.Find(accountId, clientId) is not null;
        }
    }

    /// <summary>
    /// The data topics are this node's from now on: reads where clients are in them. Those that are kept for devices are all away, for nobody
    /// served them just now.
    /// </summary>
    public async Task ReadDataAsync()
    {
        DurableIndex all = new();
        lock (_gate)
        {
            foreach (var client in _index.Everybody)
            {
                all.Add(client);
            }
        }

        await _stored.ReadDataAsync(all, _rooms);
    }

    /// <summary>The data topics are another node's from now on, and so is where clients are in them.</summary>
    public void LetGoOfData()
    {
        lock (_gate)
        {
            foreach (var client in _index.Everybody)
            {
                client.Data.LetGo();
            }
        }
    }
}
