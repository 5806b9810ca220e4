using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>What a CONNECT found of its MQTT session.</summary>
internal enum SessionOpening
{
    /// <summary>Nothing was kept. If the client is durable, it is from now on.</summary>
    New,

    /// <summary>The client goes on where it was.</summary>
    Present,

    /// <summary>The account has as many durable clients as it may have.</summary>
    TooMany,

    /// <summary>What is kept may read more than the login session that asks.</summary>
    NotYours,

    /// <summary>The connection or its login session ended meanwhile.</summary>
    Ended,
}

/// <summary>A will that is to be said now, and whose it is.</summary>
internal sealed record DueWill(LoginSession Session, string ClientId, LastWill Will);

/// <summary>All durable clients, connected or away: what they subscribed to and how far they are, in memory and in the record store.</summary>
/// <remarks>
/// <c>_gate</c> guards everything; under it a connection's write lock may be taken and records are handed to the store, so what is written is written in the order of what
/// happened. Nobody waits for the store inside.
/// </remarks>
internal sealed partial class DurableClients(
    IRecords records,
    LoginSessions sessions,
    AccountDirectory accounts,
    IResumables connections,
    BrokerLimits limits,
    TimeProvider time,
    ILogger<DurableClients> logger) : IKeptClients
{
    /// <summary>The longest session expiry that is granted, and that of every durable client of MQTT 3.1.1, which cannot say.</summary>
    public const uint MaximumExpiry = 7 * 24 * 60 * 60;

    /// <summary>A CONNECT waits this long for publishes of the connection it takes over from.</summary>
    private static readonly TimeSpan TakeOverTime = TimeSpan.FromSeconds(5);

    /// <summary>After a start, a client whose will waits has this long to come back at least: it may have been lost with the server.</summary>
    private static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(60);

    /// <summary>So many records are one write at most.</summary>
    private const int WriteAtOnce = 1_000;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, Dictionary<string, DurableClient>> _byAccount = [];
    private List<DueWill> _dueWills = [];
    private Task _saving = Task.CompletedTask;
    private long _toldAt;
    private bool _isStopping;

    /// <summary>Reads what is stored. Before anything is served.</summary>
    /// <param name="later">How much of the time since the server last ran counts for nobody (ADR 0039).</param>
    public async Task LoadAsync(TimeSpan later = default)
    {
        var received = records.ReadAll(DurableRecords.ReceivedPrefix)
            .Select(record => DurableRecords.ReadReceived(record.Key, record.Value))
            .ToLookup(record => (record.Account, record.ClientId));
        List<RecordChange> gone = [];
        foreach (var (key, value) in records.ReadAll(DurableRecords.ClientsPrefix))
        {
            var (accountId, clientId) = DurableRecords.ReadClientKey(key);
            try
            {
                var record = DurableRecords.ReadClient(value);
                var position = DurableRecords.ReadPosition(
                    records.Find(DurableRecords.PositionKey(accountId, clientId)),
                    received[(accountId, clientId)].ToDictionary(publish => publish.PacketId, publish => publish.ContentHash));
                var leftAt = record.LeftAt + later ?? time.GetUtcNow();

                // One whose time is over, and whose will has not been said, is ended by the sweep, which says it.
                if ((leftAt.AddSeconds(record.Expiry) > time.GetUtcNow() || record.Will is not null)
                    && accounts.Find(accountId) is { } account
                    && sessions.Restore(account, clientId, record.Session) is { } session)
                {
                    Index(new DurableClient(clientId, session)
                    {
                        Expiry = record.Expiry,
                        LeftAt = leftAt,
                        Filters = [.. record.Filters.Select(filter => filter.ToFilter()).OfType<HeldFilter>()],
                        Position = position,
                        Will = record.Will,
                        WillWait = record.Will is { } will ? (time.GetTimestamp(), Longer(ReturnTime, Delay(will, record.Expiry))) : default,
                    });
                    continue;
                }
            }
            catch (JsonException error)
            {
                LogUnreadable(logger, clientId, error.Message);
            }

            Forget(gone, accountId, clientId, []);
        }

        // Also what a publish left behind that was on its way when its client was ended.
        gone.AddRange(received.Where(client => Find(client.Key.Account, client.Key.ClientId) is null).SelectMany(client => client)
            .Select(publish => new RecordChange(DurableRecords.ReceivedKey(publish.Account, publish.ClientId, publish.PacketId), null)));
        if (gone.Count > 0)
        {
            await records.WriteAsync(gone);
        }

        if (later > TimeSpan.Zero)
        {
            await MoveAsync(TimeSpan.Zero);
        }
    }

    /// <summary>The clock was set: clients that are away are kept for as long as before. Completes when that is stored.</summary>
    public Task MoveAsync(TimeSpan by)
    {
        lock (_gate)
        {
            return Task.WhenAll(Everybody().Where(client => client.Connection is null).ToList().Select(client =>
            {
                client.LeftAt += by;
                return Save(client, client.Position);
            }));
        }
    }

    /// <summary>
    /// Gives a connection that was admitted its MQTT session: what is kept of it, unless it starts clean. Throws <see cref="IOException"/> when the store cannot write.
    /// </summary>
    /// <param name="expiry">Seconds it is granted; 0: it is not durable.</param>
    /// <param name="will">What is to be said if the client is lost; null: nothing.</param>
    /// <returns>The client, if it is durable or was until now; with <see cref="SessionOpening.Present"/> it says what it subscribed to, and where it is.</returns>
    public async Task<(SessionOpening Opening, DurableClient? Kept)> OpenAsync(IResumable connection, bool isClean, uint expiry, LastWill? will)
    {
        var session = connection.Session!;
        var accountId = session.Account.Id;
        if (expiry == 0 && !Has(accountId, connection.ClientId))
        {
            return (SessionOpening.New, null);
        }

        await PublishesDecidedAsync(accountId, connection.ClientId);
        Task written;
        DurableClient? client;
        SessionOpening opening;
        lock (_gate)
        {
            if (!connections.IsCurrent(connection))
            {
                return (SessionOpening.Ended, null);
            }

            // Taken over, a connection whose MQTT session ends with it is at its end too.
            client = Find(accountId, connection.ClientId);
            if (client is not null && !MayOpen(session, client))
            {
                return (SessionOpening.NotYours, null);
            }

            if (client is not null && !isClean && client.Connection is not { SessionExpiry: 0 })
            {
                opening = SessionOpening.Present;
                TakeOver(client, session);
                written = Task.CompletedTask;
            }
            else
            {
                opening = SessionOpening.New;
                written = client is null ? Task.CompletedTask : End(client);
                client = null;
                if (expiry > 0)
                {
                    if (limits.DurableClientsPerAccount is > 0 and var limit
                        && (_byAccount.GetValueOrDefault(accountId)?.Count >= limit
                            || ((/* guard: limited tokens have half of the durable clients */ session.Scope.IsLimited) && All(accountId).Count(kept => kept.Session.Scope.IsLimited) >= Scope.ShareOf(limit))))
                    {
                        return (SessionOpening.TooMany, null);
                    }

                    client = new DurableClient(connection.ClientId, session);
                    Index(client);
                }
            }

            if (client is not null)
            {
                if (!session.TryKeep(connection.ClientId))
                {
                    Watch(End(client, saysWill: false));
                    return (SessionOpening.Ended, null);
                }

                (client.Connection, client.Expiry, client.Will) = (connection, expiry, will);

                var saved = Save(client, null);
                if (opening == SessionOpening.New)
                {
                    // A client that was told it is kept counts on it, be it for a QoS 2 publish alone.
                    written = Task.WhenAll(written, saved);
                }
                else
                {
                    Watch(saved);
                }
            }
        }

        await written;
        return (opening, client);
    }

    /// <summary>Stores the filters of a connected client, and where it is with them. Completes when that is on disk; fails with <see cref="IOException"/>.</summary>
    public Task SaveAsync(IResumable connection, IReadOnlyList<HeldFilter> filters)
    {
        lock (_gate)
        {
            if (OfConnection(connection) is not { } client)
            {
                return Task.CompletedTask;
            }

            client.Filters = filters;
            return Save(client, connection.Position());
        }
    }

    /// <summary>The client released a QoS 2 packet id. In order with whatever is stored under it next.</summary>
    public void Released(IResumable connection, ushort packetId) =>
        Watch(records.WriteAsync([new(DurableRecords.ReceivedKey(connection.Account.Id, connection.ClientId, packetId), null)]));

    /// <summary>A connection has ended: its client is away from now on, or gone if it does not outlive it.</summary>
    /// <returns>The will that is to be said now. Null: there is none, or it waits for the client to come back, or the server stops, which is no loss of a client.</returns>
    public LastWill? Left(IResumable connection)
    {
        lock (_gate)
        {
            // Inside the lock: whoever takes the MQTT session over finds the will with the connection, or with the client.
            var will = connection.TakeWill();
            var isStopping = /* guard: will: a stop is no loss of a client */ _isStopping;
            if (OfConnection(connection) is not { } client)
            {
                return isStopping ? null : will;
            }

            if (connection.SessionExpiry == 0)
            {
                Watch(End(client));
                return isStopping ? null : will;
            }

            client.Expiry = connection.SessionExpiry;
            var delay = will is null ? default : Delay(will, client.Expiry);
            client.Will = (/* guard: will: the delay */ delay > TimeSpan.Zero) || isStopping ? will : null;
            client.WillWait = (time.GetTimestamp(), delay);

            // Asked before the position is taken: what is decided on in between is in neither, and the client, here again, would have it stored a second time.
            client.Publishing = connection.PublishesDrained().IsCompleted ? null : connection;
            client.Position = connection.HandOverPosition() ?? client.Position;
            client.Connection = null;
            client.LeftAt = time.GetUtcNow();
            Watch(Save(client, client.Position));
            return client.Will is null ? will : null;
        }
    }

    /// <summary>Wills whose delay is over, or whose MQTT session has ended, each once. Whoever takes them says them.</summary>
    public IReadOnlyList<DueWill> TakeDueWills()
    {
        lock (_gate)
        {
            if (_dueWills.Count == 0)
            {
                return [];
            }

            var due = _dueWills;
            _dueWills = [];
            return due;
        }
    }

    /// <summary>A login session has ended, and with it what is kept for its clients. Completes when nothing of it is on disk.</summary>
    public Task ForgetAsync(LoginSession session)
    {
        lock (_gate)
        {
            return !_byAccount.TryGetValue(session.Account.Id, out var clients)
                ? Task.CompletedTask
                : Task.WhenAll(clients.Values.Where(client => client.Session == session).ToList().Select(client => End(client, saysWill: false)));
        }
    }

    /// <summary>An account was erased. Completes when nothing of its clients is on disk, whether they are in memory or were left there by an earlier run of the program.</summary>
    public async Task AccountLostAsync(string accountId)
    {
        Task ended;
        lock (_gate)
        {
            ended = Task.WhenAll(All(accountId).ToList().Select(client => End(client, saysWill: false)));
        }

        await ended;
        var left = DurableRecords.PrefixesOf(accountId).SelectMany(prefix => records.ReadAll(prefix)).Select(record => new RecordChange(record.Key, null));
        foreach (var some in left.Chunk(WriteAtOnce))
        {
            await records.WriteAsync(some);
        }
    }

    /// <summary>
    /// An account came on a room's list: for its clients that are away the room begins now. Call it after those that are connected were placed, or one that leaves
    /// meanwhile would be neither.
    /// </summary>
    public void RoomJoined(string accountId, Room room)
    {
        lock (_gate)
        {
            // Lost again meanwhile? Then what that took away must not come back.
            if (!room.IsMember(accountId))
            {
                return;
            }

            foreach (var client in Away(accountId))
            {
                if (client.Filters.Any(filter => filter.QualityOfService > 0 && filter.Filter.Events && filter.Filter.CoversRoom(room.Id.Value)))
                {
                    var head = room.LogHead;
                    if (client.Position.Cursors.TryAdd(room.Log, new LogCursor(head.Epoch, head.Head)))
                    {
                        // Handed over before anything that is said from here on, so no crash keeps that and loses this. The sweep writes it again, should this fail.
                        Watch(Save(client, client.Position));
                        client.IsChanged = true;
                    }
                }
            }
        }
    }

    /// <summary>An account lost a room: what its clients had of it is forgotten, and should it come back, it begins anew. Completes when that is on disk.</summary>
    public Task RoomLostAsync(string accountId, Room room)
    {
        List<Task> writes = [];
        lock (_gate)
        {
            foreach (var client in Away(accountId))
            {
                var position = client.Position;
                position.Cursors.Remove(room.Log);
                client.Position = position with { Unacknowledged = [.. position.Unacknowledged.Where(sent => sent.Log != room.Log)] };
                client.Filters = [.. client.Filters.Where(filter => filter.Filter.Room != room.Id.Value || filter.Filter.IsInfoOnly)];
                writes.Add(Save(client, client.Position));
            }

            foreach (var client in All(accountId).Where(client => client.Connection is not null))
            {
                writes.Add(Save(client, client.Connection!.Position()));
            }
        }

        return Task.WhenAll(writes);
    }

    /// <summary>
    /// The server stops, and from here on nobody is lost and nobody can come back: no will falls due, and no client that is away is ended. Call it before the
    /// connections are ended.
    /// </summary>
    public void BeginStop()
    {
        lock (_gate)
        {
            _isStopping = true;
        }
    }

    /// <summary>About once a second: ends those that were away for too long, and stores how far the others are.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            if (/* guard: will: none falls due during a stop */ !_isStopping)
            {
                EndOverdue();
            }

            foreach (var client in Everybody().Where(client => client.Publishing?.PublishesDrained().IsCompleted == true))
            {
                EndPublishing(client);
            }

            // A store that is slow is not asked again before it has answered.
            if (_saving.IsCompleted)
            {
                _saving = SavePositions(onlyChanged: !_saving.IsFaulted);
                Watch(_saving);
            }
        }
    }

    /// <summary>The server stops: stores how far everybody is.</summary>
    public async Task StopAsync()
    {
        Task saving;
        lock (_gate)
        {
            saving = SavePositions(onlyChanged: false);
        }

        try
        {
            await saving;
        }
        catch (IOException error)
        {
            TellNotStored(error.Message);
        }
    }

    // What the client sent last is stored or refused before the client, here again, sends it a second time: nobody could say yet whether that is a repetition.
    private async Task PublishesDecidedAsync(string accountId, string clientId)
    {
        Task? limit = null;
        while (true)
        {
            Task decided;
            lock (_gate)
            {
                var client = Find(accountId, clientId);
                decided = (client?.Connection ?? client?.Publishing)?.PublishesDrained() ?? Task.CompletedTask;
            }

            if (decided.IsCompleted)
            {
                return;
            }

            limit ??= Task.Delay(TakeOverTime, time);
            if (await Task.WhenAny(decided, limit) == limit)
            {
                throw new IOException("What the client published on its last connection is still at the store.");
            }
        }
    }

    // Under _gate. A wait that is over ends the client, or has its will said.
    private void EndOverdue()
    {
        var now = time.GetUtcNow();
        foreach (var client in Everybody().Where(client => client.Connection is null && client.LeftAt.AddSeconds(client.Expiry) <= now).ToList())
        {
            Watch(End(client));
        }

        foreach (var client in Everybody().Where(client => client is { Connection: null, Will: not null } && time.GetElapsedTime(client.WillWait.Since) >= client.WillWait.For))
        {
            _dueWills.Add(new DueWill(client.Session, client.ClientId, client.Will!));
            client.Will = null;
            Watch(Save(client, null));
        }
    }

    private bool Has(string accountId, string clientId)
    {
        lock (_gate)
        {
            return Find(accountId, clientId) is not null;
        }
    }

    // Everything below: under _gate.
    private DurableClient? Find(string accountId, string clientId) => _byAccount.GetValueOrDefault(accountId)?.GetValueOrDefault(clientId);

    private DurableClient? OfConnection(IResumable connection) =>
        connection.Session is { } session && Find(session.Account.Id, connection.ClientId) is { } client && client.Connection == connection ? client : null;

    private IEnumerable<DurableClient> Everybody() => _byAccount.Values.SelectMany(clients => clients.Values);

    private IEnumerable<DurableClient> All(string accountId) => _byAccount.GetValueOrDefault(accountId)?.Values.AsEnumerable() ?? [];

    private IEnumerable<DurableClient> Away(string accountId) => All(accountId).Where(client => client.Connection is null);

    private void Index(DurableClient client)
    {
        var accountId = client.Session.Account.Id;
        if (!_byAccount.TryGetValue(accountId, out var clients))
        {
            _byAccount[accountId] = clients = new Dictionary<string, DurableClient>(StringComparer.Ordinal);
        }

        clients[client.ClientId] = client;
    }

    private void TakeOver(DurableClient client, LoginSession session)
    {
        if (client.Connection?.HandOverPosition() is { } position)
        {
            client.Position = position;
        }

        // guard: will: who takes over takes a delayed one away
        client.Connection?.DropDelayedWill();

        EndPublishing(client);

        if (client.Session != session)
        {
            client.Session.Unkeep(client.ClientId);
            sessions.Release(client.Session);
            client.Session = session;
        }
    }

    private static void EndPublishing(DurableClient client)
    {
        if (client.Publishing is { } last)
        {
            client.Position = client.Position with { Received = last.Received() };
            client.Publishing = null;
        }
    }

    // Whether it may open what is kept, or end it by a clean start: it must be able to read what is held there. Whether it may end a live connection, the directory says.
    private static bool MayOpen(LoginSession session, DurableClient client) =>
        /* guard: what is kept is opened by who may read it */ session == client.Session || client.Filters.All(held => CanRead(session.Scope, client.Session.Scope, held.Filter));

    // What a filter names, or else everything that the login session which holds it could read.
    private static bool CanRead(Scope scope, Scope held, RoomFilter filter) => (filter.Room ?? filter.ReadRoom) is { } room
        ? scope.Allows(room, Verbs.Read)
        : scope.Verbs.HasFlag(Verbs.Read) && (scope.Rooms is null || (held.Rooms is not null && held.Rooms.All(scope.Rooms.Contains)));

    // [MQTT-3.1.3-9], and no longer than the MQTT session lives.
    private static TimeSpan Delay(LastWill will, uint expiry) => TimeSpan.FromSeconds(Math.Min(will.DelaySeconds, expiry));

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <param name="saysWill">False: its login session has ended, so nothing is said for it.</param>
    private Task End(DurableClient client, bool saysWill = true)
    {
        if ((/* guard: will: one that waits ends with the login session */ saysWill) && client is { Connection: null, Will: { } will })
        {
            _dueWills.Add(new DueWill(client.Session, client.ClientId, will));
        }

        var accountId = client.Session.Account.Id;
        var clients = _byAccount[accountId];
        clients.Remove(client.ClientId);
        if (clients.Count == 0)
        {
            _byAccount.Remove(accountId);
        }

        EndPublishing(client);
        var position = client.Connection?.HandOverPosition() ?? client.Position;
        client.Connection = null;
        client.Session.Unkeep(client.ClientId);
        sessions.Release(client.Session);
        List<RecordChange> gone = [];
        Forget(gone, accountId, client.ClientId, position.Received.Keys);
        return records.WriteAsync(gone);
    }

    private static void Forget(List<RecordChange> gone, string accountId, string clientId, IEnumerable<ushort> received)
    {
        gone.Add(new(DurableRecords.ClientKey(accountId, clientId), null));
        gone.Add(new(DurableRecords.PositionKey(accountId, clientId), null));
        gone.AddRange(received.Select(packetId => new RecordChange(DurableRecords.ReceivedKey(accountId, clientId, packetId), null)));
    }

    /// <param name="position">Null: not written.</param>
    private Task Save(DurableClient client, DurablePosition? position)
    {
        var accountId = client.Session.Account.Id;
        ClientRecord record = new(
            LoginSessions.NoteOf(client.Session), client.Expiry, client.Connection is null ? client.LeftAt : null, [.. client.Filters.Select(FilterRecord.Of)], client.Will);
        List<RecordChange> changes = [new(DurableRecords.ClientKey(accountId, client.ClientId), DurableRecords.Write(record))];
        if (position is not null)
        {
            client.IsChanged = false;
            changes.Add(new(DurableRecords.PositionKey(accountId, client.ClientId), DurableRecords.Write(position)));
        }

        return records.WriteAsync(changes);
    }

    private Task SavePositions(bool onlyChanged)
    {
        List<RecordChange> changes = [];
        foreach (var client in Everybody())
        {
            var position = client.Connection is { } connection
                ? connection.Position(onlyChanged)
                : !onlyChanged || client.IsChanged ? client.Position : null;
            if (position is not null)
            {
                client.IsChanged = false;
                changes.Add(new(DurableRecords.PositionKey(client.Session.Account.Id, client.ClientId), DurableRecords.Write(position)));
            }
        }

        // In parts, each of which says where some clients are: whoever says something meanwhile does not wait for all of them (fault R11).
        return Task.WhenAll(changes.Chunk(WriteAtOnce).Select(some => records.WriteAsync(some)));
    }

    // Of a write that nobody waits for. Where a client is, is written again a second later; what is lost with it comes to the client once more, and none is missed.
    private void Watch(Task written) => _ = written.ContinueWith(
        static (task, self) => ((DurableClients)self!).TellNotStored(task.Exception!.InnerException!.Message),
        this,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    // It is tried again every second, and for every client that comes or goes: a full disk is told once a minute.
    private void TellNotStored(string reason)
    {
        var now = time.GetTimestamp();
        var toldAt = Interlocked.Read(ref _toldAt);
        if ((toldAt == 0 || time.GetElapsedTime(toldAt, now) >= TimeSpan.FromMinutes(1)) && Interlocked.CompareExchange(ref _toldAt, now, toldAt) == toldAt)
        {
            LogNotStored(logger, reason);
        }
    }

    [LoggerMessage(3040, LogLevel.Warning, "What is kept of a durable client could not be stored: {Reason}")]
    private static partial void LogNotStored(ILogger logger, string reason);

    [LoggerMessage(3041, LogLevel.Error, "What was kept of the durable client {ClientId} cannot be read, so it begins anew: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string clientId, string reason);
}
