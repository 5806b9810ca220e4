using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>
/// All durable clients, connected or away: what they subscribed to and how far they are, in memory and in the record store.
/// </summary>
/// <remarks>
/// <c>_gate</c> guards everything, also in the parts. Under it a connection's write lock may be taken, and records are handed to the store.
/// So what is written is written in the order of what happened.
/// Nobody waits for the store inside.
/// </remarks>
internal sealed partial class DurableClients : IKeptClients, IAccountRecords
{
    /// <summary>The longest session expiry that is granted, and that of every durable client of MQTT 3.1.1, which cannot say.</summary>
    public const uint MaximumExpiry = 7 * 24 * 60 * 60;

    private readonly TimeProvider _time;
    private readonly StoredClients _stored;
    private readonly DurableWrites _writes;
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly DurableIndex _index = new();
    private readonly DueClients _ends = new();
    private readonly HashSet<DurableClient> _publishing = [];

    // Noted under the connections' write locks, so without the gate; each connection is here at most once.
    private readonly ConcurrentQueue<IResumable> _moved = new();
    private readonly WaitingWills _wills;
    private readonly DurablePlaces _places;
    private readonly DurableLives _lives;
    private readonly DataSpaces _data;
    private readonly IResumables _connections;
    private readonly SharedClients? _shared;
    private bool _isStopping;

    // Set when what is stored is read, before anything is served.
    private RoomDirectory _rooms = null!;

    public DurableClients(
        IRecords records,
        LoginSessions sessions,
        AccountDirectory accounts,
        IResumables connections,
        DataSpaces data,
        BrokerLimits limits,
        TimeProvider time,
        ILogger<DurableClients> logger,
        INodeLinks? links = null,
        IDuties? duties = null,
        IReplication? replication = null,
        ITurns? turns = null)
    {
        (_time, _data, _connections) = (time, data, connections);
        var isShared = replication is { IsAlone: false };
        _wills = new WaitingWills(time);
        _writes = new DurableWrites(records, isShared ? links!.Self : null, time, logger);
        _places = new DurablePlaces(_index, _writes, isShared);
        _lives = new DurableLives(_index, _ends, _wills, _writes, sessions, connections, limits, data, () => _rooms);
        _stored = new StoredClients(records, sessions, accounts, data, _wills, isShared, time, logger);
        _shared = isShared
            ? new SharedClients(_gate, _index, _ends, _wills, _lives, records, sessions, accounts, data, links!, duties!, turns!, replication!, time, logger) : null;
    }

    /// <summary>Reads what is stored. Before anything is served.</summary>
    /// <param name="rooms">Those that there are, with who is in them.</param>
    /// <param name="later">How much of the time since the server last ran counts for nobody (ADR 0039).</param>
    public async Task LoadAsync(RoomDirectory rooms, TimeSpan later = default)
    {
        _rooms = rooms;
        List<DurableClient> changed = [];
        foreach (var client in await _stored.ReadAsync(later))
        {
            _index.Add(client);
            if (client.Node is { } node)
            {
                _shared?.IsWith(node);
                continue;
            }

            _ends.Set(client, client.EndsAt.UtcTicks);
            if (_shared is null && (DurablePlaces.LeaveOut(client, rooms) || later > TimeSpan.Zero))
            {
                changed.Add(client);
            }
        }

        // The program was killed between a kick and what is kept. Of several nodes another may be writing just that, and what is left of a
        // room that is lost is not delivered.
        foreach (var client in _shared is not null ? [] : _index.Everybody.Where(client => DurablePlaces.HasLostMount(client, rooms)).ToList())
        {
            changed.Remove(client);
            await _lives.End(client, saysWill: false);
        }

        await SaveAwayAsync(changed);
        if (_data.IsHere)
        {
            await _stored.ReadDataAsync(_index, rooms);
        }
    }

    /// <summary>Clients that are kept and not connected.</summary>
    public int CountAway()
    {
        lock (_gate)
        {
            return _index.Everybody.Count(client => client.IsAway);
        }
    }

    /// <summary>The clock was set: clients that are away are kept for as long as before. Completes when that is stored.</summary>
    public Task MoveAsync(TimeSpan by)
    {
        if (_shared is not null)
        {
            // What one machine thinks of the time moves nobody else's clients.
            return Task.CompletedTask;
        }

        List<DurableClient> away;
        lock (_gate)
        {
            away = [.. _index.Everybody.Where(client => client.IsAway)];
            foreach (var client in away)
            {
                client.LeftAt += by;
                _ends.Set(client, client.EndsAt.UtcTicks);
            }
        }

        return SaveAwayAsync(away);
    }

    /// <summary>
    /// Stores the filters of a connected client, and where it is with them.
    /// Completes when that is on disk; fails with <see cref="IOException"/>.
    /// </summary>
    public Task SaveAsync(IResumable connection, IReadOnlyList<HeldFilter> filters)
    {
        lock (_gate)
        {
            if (_index.OfConnection(connection) is not { } client)
            {
                return Task.CompletedTask;
            }

            client.Filters = filters;
            return _writes.Save(client, connection.Position());
        }
    }

    /// <summary>The connection hears what devices say from here on, for itself.</summary>
    public void Resumed(IResumable connection)
    {
        lock (_gate)
        {
            _index.OfConnection(connection)?.Data.StandDown();
        }
    }

    /// <summary>The client released a QoS 2 packet id. In order with whatever is stored under it next.</summary>
    /// <returns>Completes when that is on disk; fails with <see cref="IOException"/>.</returns>
    public Task Released(IResumable connection, ushort packetId) =>
        _writes.Release(connection.Account.Id, connection.ClientId, packetId);

    /// <summary>A connection has ended: its client is away from now on, or gone if it does not outlive it.</summary>
    /// <returns>
    /// The will that is to be said now.
    /// Null: there is none, or it waits for the client to come back, or the server stops, which is no loss of a client.
    /// </returns>
    public LastWill? Left(IResumable connection)
    {
        lock (_gate)
        {
            // Inside the lock: whoever takes the MQTT session over finds the will with the connection, or with the client.
            var will = connection.TakeWill();
            var isStopping = (/* guard: will: a stop is no loss of a client */ _isStopping)
                || /* guard: will: who is sent to another node is not lost */ connection.IsSentElsewhere;
            if (_index.OfConnection(connection) is not { } client)
            {
                return isStopping ? null : will;
            }

            if (connection.SessionExpiry == 0)
            {
                _writes.Watch(_lives.End(client));
                return isStopping ? null : will;
            }

            client.Expiry = connection.SessionExpiry;
            _wills.Wait(client, will, isStopping);

            // Asked before the position is taken: what is decided on in between would be in neither.
            // The client, here again, would have it stored a second time.
            client.Publishing = connection.PublishesDrained().IsCompleted ? null : connection;
            if (client.Publishing is not null)
            {
                _publishing.Add(client);
            }

            client.Position = connection.HandOverPosition() ?? client.Position;
            client.Data.StandIn(client.Session, client.Filters, _rooms);
            client.Connection = null;
            client.LeftAt = _time.GetUtcNow();
            _ends.Set(client, client.EndsAt.UtcTicks);
            _writes.Watch(_writes.Save(client, client.Position));
            return client.Will is null ? will : null;
        }
    }

    /// <summary>Wills whose delay is over, or whose MQTT session has ended, each once. Whoever takes them says them.</summary>
    public IReadOnlyList<DueWill> TakeDueWills()
    {
        lock (_gate)
        {
            return _wills.Take();
        }
    }

    /// <summary>A login session has ended, and with it what is kept for its clients. Completes when nothing of it is on disk.</summary>
    public Task ForgetAsync(LoginSession session)
    {
        lock (_gate)
        {
            return Task.WhenAll(_index.OfSession(session).ToList().Select(client => DurableWrites.UnlessTakenAsync(_lives.End(client, saysWill: false))));
        }
    }

    /// <summary>A token lost its certificate: so do the clients that came by it and are away their wills. Completes when stored.</summary>
    public Task ForgetWillsAsync(LoginSession token, string certificate)
    {
        lock (_gate)
        {
            return Task.WhenAll(_wills.Forget(_index.OfSession(token), certificate).Select(client => DurableWrites.UnlessTakenAsync(_writes.Save(client, null))));
        }
    }

    // Also those that an earlier run of the program has left there.
    public async Task ForgetAsync(string accountId)
    {
        Task ended;
        lock (_gate)
        {
            ended = Task.WhenAll(_index.OfAccount(accountId).ToList().Select(client => DurableWrites.UnlessTakenAsync(_lives.End(client, saysWill: false))));
        }

        await ended;
        await _writes.RemoveAllAsync(accountId);
    }

    /// <summary>
    /// The server stops, and from here on nobody is lost and nobody can come back: no will falls due, and no client that is away is ended.
    /// Call it before the connections are ended.
    /// </summary>
    public void BeginStop()
    {
        lock (_gate)
        {
            _isStopping = true;
        }
    }

    /// <summary>The client is not where it was any more. Never blocks; <see cref="IResumable.Position"/> tells where it is.</summary>
    public void Moved(IResumable connection) => _moved.Enqueue(connection);

    /// <summary>
    /// About once a second: ends those that were away for too long, and stores how far the others are.
    /// Looks at those only of which something is due (fault R10). Returns how many it looked at.
    /// </summary>
    public int Sweep()
    {
        lock (_gate)
        {
            var looked = _publishing.Count;
            _shared?.Sweep();
            if (/* guard: will: none falls due during a stop */ !_isStopping && _shared is not { HasDuty: false })
            {
                looked += EndOverdue();
            }

            _publishing.RemoveWhere(client =>
            {
                if (client.Publishing?.PublishesDrained().IsCompleted == true)
                {
                    client.EndPublishing();
                }

                return client.Publishing is null;
            });

            while (_moved.TryDequeue(out var connection))
            {
                // One that has left is stored since.
                if (_index.OfConnection(connection) is { } client)
                {
                    _writes.Note(client);
                }
            }

            return looked + _writes.SaveChanged(_index);
        }
    }

    /// <summary>The server stops: stores how far everybody is.</summary>
    public async Task StopAsync()
    {
        Task saving;
        lock (_gate)
        {
            saving = _writes.SaveAllAsync(_index.Everybody);
        }

        await saving;
        await _data.Logs.SaveAsync();
    }

    // Under _gate. A wait that is over ends the client, or has its will said.
    private int EndOverdue()
    {
        var looked = 0;
        var now = _time.GetUtcNow().UtcTicks;
        for (; _shared is not null && _ends.TryTake(now, out var over); looked++)
        {
            _shared.SayWhenWritten(WaitingWills.TakeFrom(over), _lives.End(over, saysWill: false));
        }

        for (; _shared is not null && _wills.TryTake(out var away, out var due); looked++)
        {
            _shared.SayWhenWritten(due, _writes.Save(away, null));
        }

        for (; _ends.TryTake(now, out var client); looked++)
        {
            _writes.Watch(_lives.End(client));
        }

        for (; _wills.TryFallDue(out var client); looked++)
        {
            _writes.Watch(_writes.Save(client, null));
        }

        return looked;
    }

    // In parts: whoever says something meanwhile waits neither for the gate nor at the store for all of them (fault R11).
    private async Task SaveAwayAsync(List<DurableClient> clients)
    {
        foreach (var some in clients.Chunk(RecordParts.WriteAtOnce))
        {
            Task saved;
            lock (_gate)
            {
                // Who has come back or gone meanwhile is stored since.
                saved = Task.WhenAll(some
                    .Where(client => client.IsAway && _index.Find(client.Session.Account.Id, client.ClientId) == client)
                    .Select(client => _writes.Save(client, client.Position)));
            }

            await saved;
        }
    }
}
