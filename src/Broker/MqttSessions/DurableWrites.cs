using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>Writes what is kept of durable clients, and tells the operator when the store refuses.</summary>
/// <remarks>
/// What is to be in the order of what happened is handed over under the gate of <see cref="DurableClients"/>.
/// Whoever waits for the store does so outside.
/// </remarks>
internal sealed partial class DurableWrites(IRecords records, TimeProvider time, ILogger logger)
{
    // A connection notes its client once, and again after it was asked for changes. So the client stays here until that is done.
    private readonly HashSet<DurableClient> _changed = [];
    private Task _saving = Task.CompletedTask;
    private long _toldAt;

    /// <summary>Writes who the client is, what it subscribed to, and where it is.</summary>
    /// <param name="position">Null: not written.</param>
    public Task Save(DurableClient client, DurablePosition? position)
    {
        var accountId = client.Session.Account.Id;
        ClientRecord record = new(
            LoginSessions.NoteOf(client.Session),
            client.Expiry,
            client.Connection is null ? client.LeftAt : null,
            [.. client.Filters.Select(FilterRecord.Of)],
            client.Will);
        List<RecordChange> changes = [new(DurableRecords.ClientKey(accountId, client.ClientId), DurableRecords.Write(record))];
        if (position is not null)
        {
            changes.Add(new(DurableRecords.PositionKey(accountId, client.ClientId), DurableRecords.Write(position)));
        }

        // One that is connected is still to be asked: its connection notes nothing more before.
        if (position is not null && client.Connection is null)
        {
            _changed.Remove(client);
        }

        return records.WriteAsync(changes);
    }

    /// <summary>The client is not where it was stored last, or may not be.</summary>
    public void Note(DurableClient client) => _changed.Add(client);

    /// <summary>
    /// Writes where the clients are that were noted; where all are, if that could not be written.
    /// Returns how many it looked at.
    /// </summary>
    public int SaveChanged(DurableIndex index)
    {
        // A store that is slow is not asked again before it has answered.
        if (!_saving.IsCompleted)
        {
            return 0;
        }

        var onlyChanged = !_saving.IsFaulted;
        List<DurableClient> clients = [.. onlyChanged ? _changed : index.Everybody];
        _saving = SavePositions(clients, onlyChanged);
        Watch(_saving);
        if (onlyChanged)
        {
            _changed.Clear();
        }

        return clients.Count;
    }

    /// <summary>The server stops: writes where all clients are. All of it is handed over when the call returns.</summary>
    public async Task SaveAllAsync(IEnumerable<DurableClient> clients)
    {
        try
        {
            await SavePositions(clients, onlyChanged: false);
        }
        catch (IOException error)
        {
            TellNotStored(error.Message);
        }
    }

    /// <summary>A QoS 2 packet id was released. In order with whatever is stored under it next.</summary>
    /// <returns>Completes when that is on disk; fails with <see cref="IOException"/>, which nobody need look at.</returns>
    public Task Release(string accountId, string clientId, ushort packetId)
    {
        var written = records.WriteAsync([new(DurableRecords.ReceivedKey(accountId, clientId, packetId), null)]);
        Watch(written);
        return written;
    }

    /// <summary>Removes all that is kept of a client.</summary>
    /// <param name="received">The packet ids of QoS 2 publishes that it has not released.</param>
    public Task Remove(DurableClient client, IEnumerable<ushort> received)
    {
        _changed.Remove(client);
        return records.WriteAsync([.. DurableRecords.Removal(client.Session.Account.Id, client.ClientId, received), .. client.Data.End()]);
    }

    /// <summary>Where a client is in what devices say in a room that it has lost.</summary>
    public Task LoseData(DurableClient client, Room room) =>
        client.Data.Lose(room) is { Count: > 0 } removals ? records.WriteAsync(removals) : Task.CompletedTask;

    /// <summary>Removes what is on disk of an account's clients, also what an earlier run of the program left there.</summary>
    public Task RemoveAllAsync(string accountId) => records.WriteInPartsAsync(
        DurableRecords.PrefixesOf(accountId).SelectMany(prefix => records.ReadAll(prefix)).Select(record => new RecordChange(record.Key, null)));

    /// <summary>Of a write that nobody waits for.</summary>
    /// <remarks>
    /// Where a client is, is written again a second later.
    /// What is lost with it comes to the client once more, and none is missed.
    /// </remarks>
    public void Watch(Task written) => _ = written.ContinueWith(
        static (task, self) => ((DurableWrites)self!).TellNotStored(task.Exception!.InnerException!.Message),
        this,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    private Task SavePositions(IEnumerable<DurableClient> clients, bool onlyChanged)
    {
        List<RecordChange> changes = [];
        foreach (var client in clients)
        {
            var position = client.Connection is { } connection ? connection.Position(onlyChanged) : client.Position;
            if (position is not null)
            {
                changes.Add(new(DurableRecords.PositionKey(client.Session.Account.Id, client.ClientId), DurableRecords.Write(position)));
            }
        }

        return records.WriteInPartsAsync(changes);
    }

    // It is tried again every second, and for every client that comes or goes: a full disk is told once a minute.
    private void TellNotStored(string reason)
    {
        var now = time.GetTimestamp();
        var toldAt = Interlocked.Read(ref _toldAt);
        if ((toldAt == 0 || time.GetElapsedTime(toldAt, now) >= TimeSpan.FromMinutes(1))
            && Interlocked.CompareExchange(ref _toldAt, now, toldAt) == toldAt)
        {
            LogNotStored(logger, reason);
        }
    }

    [LoggerMessage(3040, LogLevel.Warning, "What is kept of a durable client could not be stored: {Reason}")]
    private static partial void LogNotStored(ILogger logger, string reason);
}
