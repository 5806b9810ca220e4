using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Brings the rooms what other nodes write of who is here: what is stored at the start, and from then on as they write it.
/// </summary>
internal sealed class HereHearing(
    RoomDirectory rooms, HereRecords here, AccountDirectory accounts, IRecords records, IReplication replication, IDuties duties, TimeProvider time)
    : BackgroundService
{
    private const int PageLength = 1_000;

    /// <summary>Before anything is heard.</summary>
    public void Connect()
    {
        replication.HearRecords(HereRecords.HerePrefix, change => HeardHere(change, goneAt: null));
        replication.HearRecords(HereRecords.SaidPrefix, HeardSaid);
    }

    /// <summary>
    /// Reads who is here with others, before what is written meanwhile is heard. Nodes that are no more have the time that all have after a
    /// restart; of those that are there the first sweep knows.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Task LoadAsync() => here.IsAlone ? Task.CompletedTask : Task.Run(() =>
    {
        var goneAt = time.GetUtcNow() + RoomPresence.GraceAfterRestart;
        Load(HereRecords.HerePrefix, change => HeardHere(change, goneAt));
        Load(HereRecords.SaidPrefix, HeardSaid);
    });

    /// <summary>Somebody has to have the duty; at each sweep a room asks who has it.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (here.IsAlone)
        {
            return;
        }

        try
        {
            await duties.RunAsync(HereRecords.Duty, over => Task.Delay(Timeout.InfiniteTimeSpan, time, over), stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private void Load(string prefix, Action<RecordChange> read)
    {
        var bytes = Encoding.ASCII.GetBytes(prefix);
        for (byte[] last = []; records.ReadPage(bytes, last, PageLength) is { Count: > 0 } page; last = page[^1].Key)
        {
            foreach (var (key, value) in page)
            {
                read(new RecordChange(key, value));
            }
        }
    }

    // Of a room or an account that is gone nothing is left to be told.
    private void HeardHere(RecordChange change, DateTimeOffset? goneAt)
    {
        if (Encoding.ASCII.GetString(change.Key).Split('/') is not [_, var roomKey, var accountId, var node] || rooms.FindByKey(roomKey) is not { } room)
        {
            return;
        }

        if (node == here.Self)
        {
            // Another node took this one for dead.
            room.WriteHereAgain(accountId);
        }
        else if (change.Value is null)
        {
            room.HeardGone(accountId, node);
        }
        else if (accounts.Find(accountId) is { } account)
        {
            room.HeardHere(account, node, HereRecords.NoteIn(change.Value), goneAt);
        }
    }

    private void HeardSaid(RecordChange change)
    {
        if (Encoding.ASCII.GetString(change.Key).Split('/') is [_, var roomKey, var accountId] && rooms.FindByKey(roomKey) is { } room)
        {
            room.HeardSaid(accountId, change.Value is { } value ? HereRecords.NoteIn(value) : null);
        }
    }
}
