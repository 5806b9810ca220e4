using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Hooks;

/// <summary>
/// What each hook, rule and webhook did last: in memory of those that were used since the start, and on disk some seconds later, so that
/// whoever calls a hook all day does not have a sync of his own for each call.
/// </summary>
/// <remarks>
/// Records `runs/{room key}/{id}`, each written only while its owner's record is there: `{kind}/{room key}/{id}`, where the id begins with
/// the kind and `-`. Whoever is removed while something of it is under way leaves nothing. Thread-safe.
/// </remarks>
internal sealed class RunLogs(IRecords records, TimeProvider time) : BackgroundService, IRoomRecords
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<(string Room, string Id), RunLog> _logs = new();

    /// <summary>The newest last. Reads the disk, the first time.</summary>
    public Run[] Of(string room, string id) => Loaded(LogOf(room, id)).All;

    /// <summary>Never blocks.</summary>
    public void Add(string room, string id, string outcome, string why = "") => LogOf(room, id).Add(time.GetUtcNow(), outcome, why);

    /// <summary>Another node has written what one of them did there: it is shown together with what it did here.</summary>
    public void Heard(RecordChange change)
    {
        if (Encoding.ASCII.GetString(change.Key).Split('/') is [_, var room, var id] && _logs.TryGetValue((room, id), out var log))
        {
            if (change.Value is { } value)
            {
                log.Merge(Read(value));
            }
            else
            {
                log.Close();
                _logs.TryRemove((room, id), out _);
            }
        }
    }

    /// <summary>What removes it from the disk, where it is not written again.</summary>
    public RecordChange Removal(string room, string id)
    {
        var log = LogOf(room, id);
        log.Close();
        _logs.TryRemove((room, id), out _);
        return new RecordChange(log.Key, null);
    }

    public async Task ForgetRoomAsync(string roomKey)
    {
        foreach (var one in _logs.Keys.Where(one => one.Room == roomKey))
        {
            Removal(one.Room, one.Id);
        }

        await records.WriteInPartsAsync(records.ReadAll(Encoding.ASCII.GetBytes($"runs/{roomKey}/")).Select(record => new RecordChange(record.Key, null)));
    }

    /// <summary>Writes what has changed, or tries again later. All of it is one sync: it is handed over at once.</summary>
    public Task SaveAsync() => Task.WhenAll(_logs.Where(one => one.Value.IsChanged).Select(one => SaveAsync(one.Key, one.Value)));

    private async Task SaveAsync((string Room, string Id) its, RunLog log)
    {
        var isTaken = false;
        try
        {
            var owner = Encoding.ASCII.GetBytes($"{its.Id.Split('-')[0]}/{its.Room}/{its.Id}");
            if (records.Find(owner) is not { } value)
            {
                // Removed, and what it did last was added after.
                _logs.TryRemove(new(its, log));
                return;
            }

            // Read before it is taken: reading may fail.
            if (Loaded(log).TakeChanged() is not { } changed)
            {
                return;
            }

            isTaken = true;
            if (await records.WriteAsync([new RecordChange(log.Key, changed)], [new RecordCondition(owner, value)]) == WriteOutcome.Conflict)
            {
                // Its owner has changed in between, or is gone: the next time tells.
                log.PutBack();
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            if (isTaken)
            {
                log.PutBack();
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await SaveAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await SaveAsync();
        }
    }

    private RunLog LogOf(string room, string id) =>
        _logs.GetOrAdd((room, id), static one => new RunLog(Encoding.ASCII.GetBytes($"runs/{one.Room}/{one.Id}")));

    private RunLog Loaded(RunLog log)
    {
        if (!log.IsLoaded)
        {
            log.Load(Read(records.Find(log.Key)));
        }

        return log;
    }

    private static Run[] Read(byte[]? stored)
    {
        try
        {
            return stored is not null ? JsonSerializer.Deserialize(stored, RunJson.Default.RunArray) ?? [] : [];
        }
        catch (JsonException)
        {
            // Written by another version: it begins anew.
            return [];
        }
    }
}
