using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>
/// Durable clients of several nodes: each node has all of them in memory, as they are stored, and one at a time has a client.
/// </summary>
/// <remarks>
/// <para>Whoever has a client has written its fence last (<see cref="DurableClient.Fence"/>): what another node, which was frozen
/// meanwhile, still has to write of it is refused.</para>
/// Guarded by the gate of <see cref="DurableClients"/>, which is taken here. Alone there is none.
/// </remarks>
internal sealed partial class SharedClients
{
    private const int Tries = 5;

    /// <summary>A node that is not there for so long, and of which nobody has said that it has gone, is taken for gone.</summary>
    private static readonly TimeSpan MissingFor = TimeSpan.FromSeconds(60);

    private readonly Lock _gate;
    private readonly DurableIndex _index;
    private readonly DueClients _ends;
    private readonly WaitingWills _wills;
    private readonly DurableLives _lives;
    private readonly IRecords _records;
    private readonly LoginSessions _sessions;
    private readonly AccountDirectory _accounts;
    private readonly DataSpaces _spaces;
    private readonly INodeLinks _links;
    private readonly IDuties _duties;
    private readonly ITurns _turns;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // Nodes that have clients, and since when they are missing; null: they are there.
    private readonly Dictionary<string, DateTimeOffset?> _nodes = [];

    // Taken over while a record is heard: ended when the gate is free.
    private readonly List<IResumable> _displaced = [];

    public SharedClients(
        Lock gate, DurableIndex index, DueClients ends, WaitingWills wills, DurableLives lives, IRecords records, LoginSessions sessions,
        AccountDirectory accounts, DataSpaces spaces, INodeLinks links, IDuties duties, ITurns turns, IReplication replication, TimeProvider time,
        ILogger logger)
    {
        (_gate, _index, _ends, _wills, _lives, _records, _sessions) = (gate, index, ends, wills, lives, records, sessions);
        (_accounts, _spaces, _links, _duties, _turns, _time, _logger) = (accounts, spaces, links, duties, turns, time, logger);
        Hear(DurableRecords.ClientsPrefix, HeardClient);
        Hear(DurableRecords.PositionsPrefix, HeardPosition);
        Hear(DurableRecords.ReceivedPrefix, HeardReceived);
        Hear(DurableRecords.FencesPrefix, HeardFence);
        links.Left += Lost;

        void Hear(byte[] prefix, Action<RecordChange> heard) => replication.HearRecords(Encoding.ASCII.GetString(prefix), change =>
        {
            IResumable[] displaced;
            lock (_gate)
            {
                heard(change);
                displaced = [.. _displaced];
                _displaced.Clear();
            }

            Array.ForEach(displaced, connection => connection.TakenElsewhere());
        });
    }

    /// <summary>Whether this node ends who was away for too long, and says wills.</summary>
    public bool HasDuty => _duties.Has(HereRecords.Duty);

    /// <summary>
    /// Takes the client for this node: from here on nothing that another writes of it counts, and what others wrote is in memory.
    /// </summary>
    /// <returns>What stands for that, and the packet ids that the client has not released, as they are stored with its fence.</returns>
    /// <exception cref="IOException">It is not to be had: the store refuses, or others take it over and over.</exception>
    public async Task<Taken> TakeAsync(string accountId, string clientId)
    {
        var key = DurableRecords.FenceKey(accountId, clientId);
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            byte[]? known;
            lock (_gate)
            {
                known = _index.Find(accountId, clientId)?.Fence;
            }

            // Left behind of a client that is none any more; or in memory is one that the store has refused since.
            known = attempt == 0 ? known : await Task.Run(() => _records.Find(key));
            var fence = DurableWrites.NewFence();
            if (await _records.WriteAsync([new(key, fence)], [new(key, known)]) == WriteOutcome.Written)
            {
                // Read, not remembered: a connection that was here in between knows what it received itself, and no more, and a client that
                // sends a packet again is answered by whether it was stored.
                return await Task.Run(() => new Taken(fence, ReceivedOf(accountId, clientId), UnheardPosition(accountId, clientId)));
            }
        }

        throw new TakenElsewhereException();
    }

    /// <summary>
    /// Who has this turn has all of the account's clients in memory that were added before, and is the only one to add one.
    /// </summary>
    /// <exception cref="IOException">It is not to be had.</exception>
    public Task<IDisposable> CountingTurnAsync(string accountId) => _turns.TakeAsync($"kept/{accountId}");

    // Whoever had ended the client in memory, and was overtaken by its coming back, has heard who it is and not where.
    private byte[]? UnheardPosition(string accountId, string clientId)
    {
        bool isHeard;
        lock (_gate)
        {
            isHeard = _index.Find(accountId, clientId)?.HasPosition != false;
        }

        return isHeard ? null : _records.Find(DurableRecords.PositionKey(accountId, clientId));
    }

    private Dictionary<ushort, ulong> ReceivedOf(string accountId, string clientId) => _records.ReadAll(DurableRecords.ReceivedOf(accountId, clientId))
        .Select(record => DurableRecords.ReadReceived(record.Key, record.Value))
        .Where(publish => publish.ClientId == clientId)
        .ToDictionary(publish => publish.PacketId, publish => publish.ContentHash);

    /// <summary>No client was made of what was taken. Under the gate.</summary>
    public void GiveBack(string accountId, string clientId, byte[] fence)
    {
        if (_index.Find(accountId, clientId) is null)
        {
            var key = DurableRecords.FenceKey(accountId, clientId);
            _ = _records.WriteAsync([new(key, null)], [new(key, fence)]).ContinueWith(
                static written => _ = written.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }

    /// <summary>Has a will said when it is stored that it was: so of several nodes one says it, and once.</summary>
    public void SayWhenWritten(DueWill? due, Task written) => _ = SayAsync(due, written);

    /// <summary>Does it again with what is in memory by then, as long as another node was quicker.</summary>
    public static async Task UnlessOvertakenAsync(Func<Task> work)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await work();
                return;
            }
            catch (TakenElsewhereException) when (attempt < Tries)
            {
                // What that one wrote was heard before.
            }
        }
    }

    /// <summary>The node has clients.</summary>
    public void IsWith(string node)
    {
        if (node != _links.Self)
        {
            _nodes.TryAdd(node, null);
        }
    }

    /// <summary>About once a second, under the gate: looks whether the nodes are there that have clients.</summary>
    public void Sweep()
    {
        if (_nodes.Count == 0)
        {
            return;
        }

        var (others, now) = (_links.Others, _time.GetUtcNow());
        foreach (var (node, since) in _nodes.ToList())
        {
            _nodes[node] = others.Contains(node) ? null : since ?? now;
            if (_nodes[node] <= now - MissingFor)
            {
                LostUnderGate(node);
            }
        }
    }

    private async Task SayAsync(DueWill? due, Task written)
    {
        try
        {
            await written;
        }
        catch (TakenElsewhereException)
        {
            // The client is back, or another node was quicker.
            return;
        }
        catch (IOException error)
        {
            LogNotEnded(_logger, error.Message);
            return;
        }

        lock (_gate)
        {
            if (due is not null)
            {
                _wills.FallDue(due);
            }
        }
    }

    private void Lost(string node)
    {
        lock (_gate)
        {
            LostUnderGate(node);
        }
    }

    // Its clients are away since now, and have the time to come back that all have after a restart.
    private void LostUnderGate(string node)
    {
        _nodes.Remove(node);
        foreach (var client in _index.Everybody.Where(client => client.Node == node).ToList())
        {
            (client.Node, client.LeftAt) = (null, _time.GetUtcNow());
            _ends.Set(client, client.EndsAt.UtcTicks);
            _wills.WaitAfterStart(client);
        }
    }

    private void HeardClient(RecordChange change)
    {
        var (accountId, clientId) = DurableRecords.ReadClientKey(change.Key);
        var client = _index.Find(accountId, clientId);
        if (client is not null)
        {
            Displace(client);
        }

        if (change.Value is not { } value)
        {
            if (client is not null)
            {
                _lives.Forget(client);
            }

            return;
        }

        var record = DurableRecords.ReadClient(value);
        if (Of(accountId, clientId, client, record) is not { } heard)
        {
            return;
        }

        heard.Expiry = record.Expiry;
        heard.LeftAt = record.LeftAt ?? _time.GetUtcNow();
        heard.Filters = [.. record.Filters.Select(filter => filter.ToFilter()).OfType<HeldFilter>()];
        (heard.Will, heard.Node) = (record.Will, record.Node);
        _wills.Forget(heard);
        if (heard.Node is { } node)
        {
            _ends.Remove(heard);
            IsWith(node);
        }
        else
        {
            _ends.Set(heard, heard.EndsAt.UtcTicks);
            _wills.WaitElsewhere(heard, _time.GetUtcNow() - heard.LeftAt);
        }
    }

    // Null: its login session has ended, or its account.
    private DurableClient? Of(string accountId, string clientId, DurableClient? client, ClientRecord record)
    {
        if (client?.Session.Id == record.Session.Id)
        {
            return client;
        }

        if (_accounts.Find(accountId) is not { } account || _sessions.Restore(account, SessionName.ClientIdOf(clientId), record.Session) is not { } session)
        {
            return null;
        }

        if (client is null)
        {
            client = new DurableClient(clientId, session, _spaces) { HasPosition = false };
            _index.Add(client);
        }
        else
        {
            _lives.LetGo(client);
            client.Session = session;
        }

        return client;
    }

    private void HeardPosition(RecordChange change)
    {
        var (accountId, clientId) = DurableRecords.ReadClientKey(change.Key);
        if (change.Value is { } value && _index.Find(accountId, clientId) is { Connection: null } client)
        {
            client.HeardPosition(value);
        }
    }

    private void HeardReceived(RecordChange change)
    {
        var (accountId, clientId, packetId, contentHash) = DurableRecords.ReadReceived(change.Key, change.Value ?? new byte[sizeof(ulong)]);
        if (_index.Find(accountId, clientId) is { Connection: null } client)
        {
            client.HeardReceived(packetId, change.Value is null ? null : contentHash);
        }
    }

    // Whoever took the client says with which node it is in the next record.
    private void HeardFence(RecordChange change)
    {
        var (accountId, clientId) = DurableRecords.ReadClientKey(change.Key);
        if (change.Value is { } fence && _index.Find(accountId, clientId) is { } client)
        {
            Displace(client);
            client.Fence = fence;
        }
    }

    private void Displace(DurableClient client)
    {
        // What the connection that was here last has received counts up to here: from now on what is heard does.
        client.Publishing?.GoElsewhere();
        client.EndPublishing();
        if (client.Connection is not { } connection)
        {
            return;
        }

        client.Position = connection.HandOverPosition() ?? client.Position;
        connection.DropDelayedWill();
        connection.GoElsewhere();
        client.Connection = null;
        _displaced.Add(connection);
    }

    [LoggerMessage(5701, LogLevel.Warning, "A durable client that is over, or its will, could not be stored as such: {Reason}")]
    private static partial void LogNotEnded(ILogger logger, string reason);
}
