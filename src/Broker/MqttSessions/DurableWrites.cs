using System.Security.Cryptography;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>Writes what is kept of durable clients, and tells the operator when the store refuses.</summary>
/// <remarks>
/// What is to be in the order of what happened is handed over under the gate of <see cref="DurableClients"/>.
/// Whoever waits for the store does so outside.
/// </remarks>
/// <param name="self">The name of this node; null: a house of one.</param>
internal sealed partial class DurableWrites(IRecords records, string? self, TimeProvider time, ILogger logger)
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
            client.Will,
            client.Connection is null ? null : self);
        List<RecordChange> changes = [new(DurableRecords.ClientKey(accountId, client.ClientId), DurableRecords.Write(record))];
        if (position is not null)
        {
            changes.Add(new(DurableRecords.PositionKey(accountId, client.ClientId), DurableRecords.Write(position)));
        }

        if (self is not null && !client.IsAway)
        {
            // Who hears of a new client hears of its fence.
            changes.Add(new(DurableRecords.FenceKey(accountId, client.ClientId), client.Fence));
        }

        // One that is connected is still to be asked: its connection notes nothing more before.
        if (position is not null && client.Connection is null)
        {
            _changed.Remove(client);
        }

        return WriteAsync(client, changes);
    }

    /// <summary>
    /// Of several nodes a write counts only while nobody else has had the client since.
    /// Fails with <see cref="TakenElsewhereException"/> when somebody has.
    /// </summary>
    public Task WriteAsync(DurableClient client, IReadOnlyList<RecordChange> changes) =>
        self is null ? records.WriteAsync(changes) : WriteFencedAsync(client, changes);

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
        List<DurableClient> clients = [.. onlyChanged ? _changed : Mine(index.Everybody)];
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
            await SavePositions(Mine(clients), onlyChanged: false);
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
    /// <param name="keepsFence">Whoever has just taken the client begins it anew.</param>
    public Task Remove(DurableClient client, IEnumerable<ushort> received, bool keepsFence = false)
    {
        _changed.Remove(client);
        List<RecordChange> changes = [.. DurableRecords.Removal(client.Session.Account.Id, client.ClientId, received), .. client.Data.End()];
        if (self is not null && !keepsFence)
        {
            changes.Add(new(DurableRecords.FenceKey(client.Session.Account.Id, client.ClientId), null));
        }

        return self is null ? records.WriteAsync(changes) : WriteFencedAsync(client, changes, keepsFence);
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
        static (task, self) =>
        {
            // Another node has the client, and this one hears of it.
            if (task.Exception!.InnerException is not TakenElsewhereException and { Message: var why })
            {
                ((DurableWrites)self!).TellNotStored(why);
            }
        },
        this,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    private Task SavePositions(IEnumerable<DurableClient> clients, bool onlyChanged)
    {
        List<RecordChange> changes = [];
        List<Task> fenced = [];
        foreach (var client in clients)
        {
            var position = client.Connection is { } connection ? connection.Position(onlyChanged) : client.Position;
            if (position is not null)
            {
                RecordChange change = new(DurableRecords.PositionKey(client.Session.Account.Id, client.ClientId), DurableRecords.Write(position));
                if (self is null)
                {
                    changes.Add(change);
                }
                else
                {
                    fenced.Add(UnlessTakenAsync(WriteFencedAsync(client, [change])));
                }
            }
        }

        return self is null ? records.WriteInPartsAsync(changes) : Task.WhenAll(fenced);
    }

    // Of clients with other nodes, or away, nothing is written but what has changed of them here.
    private IEnumerable<DurableClient> Mine(IEnumerable<DurableClient> clients) => self is null ? clients : clients.Where(client => client.Connection is not null);

    private async Task WriteFencedAsync(DurableClient client, IReadOnlyList<RecordChange> changes, bool keepsFence = false)
    {
        RecordCondition fence = new(DurableRecords.FenceKey(client.Session.Account.Id, client.ClientId), client.Fence);
        if (client.IsAway && !keepsFence && !changes.Any(change => change.Key.AsSpan().SequenceEqual(fence.Key)))
        {
            // What several nodes may write is written by one after the other: who is overtaken has not seen what it overwrites.
            client.Fence = NewFence();
            changes = [.. changes, new(fence.Key, client.Fence)];
        }

        var own = client.Fence;
        WriteOutcome outcome;
        try
        {
            outcome = await records.WriteAsync(changes, /* guard: who lost a client writes nothing of it */ [fence]);
        }
        catch (IOException) when (client.Fence == own)
        {
            client.Fence = fence.Value;
            throw;
        }

        if (outcome == WriteOutcome.Conflict)
        {
            await ReadFenceAsync(client, own, fence.Key);
            throw new TakenElsewhereException();
        }
    }

    // Where nobody was quicker, one that this node had handed over before was refused, and what is in memory is not stored.
    private async Task ReadFenceAsync(DurableClient client, byte[]? own, byte[] key)
    {
        bool IsUnchanged() => client.Fence == own && client.IsAway;
        if (!IsUnchanged())
        {
            return;
        }

        var stored = await Task.Run(() => records.Find(key));

        // Who has come here meanwhile has a fence of its own, newer than what was read.
        if (IsUnchanged())
        {
            client.Fence = stored;
        }
    }

    /// <summary>See <see cref="DurableClient.Fence"/>.</summary>
    public static byte[] NewFence() => RandomNumberGenerator.GetBytes(16);

    /// <summary>As the write; one that another node was quicker with is no failure.</summary>
    public static async Task UnlessTakenAsync(Task written)
    {
        try
        {
            await written;
        }
        catch (TakenElsewhereException)
        {
            // What is to be known of the client, that node has written.
        }
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

/// <summary>Another node has had the client since this one read what is kept of it.</summary>
internal sealed class TakenElsewhereException() : IOException("Another node has the client.");
