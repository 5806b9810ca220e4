using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.MqttSessions;

/// <content>
/// Accounts that come into rooms, and lose them; clients that go over from one connection to the next; and where they are in what devices
/// say, which is known to the node that has the data topics alone.
/// </content>
internal sealed partial class DurableClients
{
    /// <summary>A CONNECT waits this long for publishes of the connection it takes over from.</summary>
    private static readonly TimeSpan TakeOverTime = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Gives a connection that was admitted its MQTT session: what is kept of it, unless it starts clean.
    /// Throws <see cref="IOException"/> when the store cannot write.
    /// </summary>
    /// <param name="expiry">Seconds it is granted; 0: it is not durable.</param>
    /// <param name="will">What is to be said if the client is lost; null: nothing.</param>
    /// <returns>
    /// The client, if it is durable or was until now.
    /// With <see cref="SessionOpening.Present"/> it says what it subscribed to, and where it is.
    /// </returns>
    public async Task<(SessionOpening Opening, DurableClient? Kept)> OpenAsync(
        IResumable connection, bool isClean, uint expiry, LastWill? will)
    {
        var accountId = connection.Session!.Account.Id;
        if (expiry == 0 && !Has(accountId, connection.ClientId))
        {
            return (SessionOpening.New, null);
        }

        await PublishesDecidedAsync(accountId, connection.ClientId);
        var taken = _shared is null ? null : await _shared.TakeAsync(accountId, connection.ClientId);
        var found = Open(mayCount: /* guard: kept clients of all nodes are counted one after the other */ _shared is null);
        if (found.Opening != SessionOpening.OutOfTurn)
        {
            await found.Written;
            return (found.Opening, found.Kept);
        }

        using (await TurnAsync())
        {
            // Those that other nodes have added are in memory, and no other one is added before this one is stored.
            found = Open(mayCount: true);
            await found.Written;
            return (found.Opening, found.Kept);
        }

        (SessionOpening Opening, DurableClient? Kept, Task Written) Open(bool mayCount)
        {
            lock (_gate)
            {
                var opened = _lives.Open(connection, isClean, expiry, will, taken, mayCount);
                if (taken is not null && opened.Opening is SessionOpening.TooMany or SessionOpening.Ended)
                {
                    _shared!.GiveBack(accountId, connection.ClientId, taken!.Fence);
                }

                return opened;
            }
        }

        async Task<IDisposable> TurnAsync()
        {
            try
            {
                return await _shared!.CountingTurnAsync(accountId);
            }
            catch (IOException)
            {
                lock (_gate)
                {
                    _shared!.GiveBack(accountId, connection.ClientId, taken!.Fence);
                }

                throw;
            }
        }
    }

    /// <summary>
    /// Completes when what the client sent last is stored or refused: before the client, at another connection, sends it a second time.
    /// Nobody could say yet whether that is a repetition. Fails with <see cref="IOException"/> after <see cref="TakeOverTime"/>.
    /// </summary>
    public async Task PublishesDecidedAsync(string accountId, string clientId)
    {
        Task? limit = null;
        while (PublishesOf(accountId, clientId) is { IsCompleted: false } decided)
        {
            limit ??= Task.Delay(TakeOverTime, _time);
            if (await Task.WhenAny(decided, limit) == limit)
            {
                throw new IOException("What the client published on its last connection is still at the store.");
            }
        }
    }

    private Task? PublishesOf(string accountId, string clientId)
    {
        lock (_gate)
        {
            var client = _index.Find(accountId, clientId);
            return (client?.Connection ?? client?.Publishing)?.PublishesDrained();
        }
    }

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

        // guard: who lost the room of a mount is ended, kept or not
        _connections.LoseMount(accountId, room);
        lock (_gate)
        {
            List<Task> written = [];
            foreach (var client in _index.OfMount(accountId, room).Where(client => !isHeard || client.Connection is not null).ToList())
            {
                // guard: who lost the room of a mount gives back its place
                written.Add(DurableWrites.UnlessTakenAsync(_lives.End(client, saysWill: false)));
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
    /// The data topics are this node's from now on: reads where clients are in them. Those that are kept for devices are all away, for
    /// nobody served them just now.
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
