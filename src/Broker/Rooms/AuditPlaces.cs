using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Gives what is done in a room a place before all that was done there before: also within a millisecond, and after the server's clock was
/// set back.
/// </summary>
/// <remarks>Thread-safe. It remembers one number for each room in which something was done since the start.</remarks>
internal sealed class AuditPlaces(IRecords records, StorageQuotas quotas, TimeProvider time) : IRoomRecords
{
    // By the key of the room: when the newest is said to have been done, in milliseconds since 1970.
    private readonly ConcurrentDictionary<string, long> _newest = new();

    /// <summary>For the batch of its event. Reads the disk at the first of a room since the start.</summary>
    /// <param name="room">Its key.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public RecordChange Place(string room, AuditRecord record)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        return record.In(
            room,
            DateTimeOffset.FromUnixTimeMilliseconds(_newest.AddOrUpdate(
                room, _ => Math.Max(now, StoredOf(room) + 1), (_, newest) => Math.Max(now, newest + 1))));
    }

    /// <summary>The same for who serves sockets, which may not wait for the disk.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async ValueTask<RecordChange> PlaceAsync(string room, AuditRecord record) =>
        _newest.ContainsKey(room) ? Place(room, record) : await Task.Run(() => Place(room, record));

    /// <summary>
    /// The same of what is done in any case, and is no event: its bytes are of the day of who does it, as far as there are some left. What
    /// could not be written costs nothing.
    /// </summary>
    /// <param name="write">Gives whether it was written.</param>
    /// <returns>The same.</returns>
    /// <exception cref="IOException">It cannot be read, or was not written.</exception>
    public async Task<bool> WriteAsync(string room, AuditRecord record, Account by, Func<RecordChange, Task<bool>> write)
    {
        var change = await PlaceAsync(room, record);
        var (quota, bytes) = (quotas.Of(by), SizeOf(change));
        var isOwed = quota.TryTake(bytes, out _);
        try
        {
            var isWritten = await write(change);
            isOwed &= /* guard: what was not written costs nothing */ !isWritten;
            return isWritten;
        }
        finally
        {
            if (isOwed)
            {
                quota.GiveBack(bytes);
            }
        }
    }

    /// <summary>The same of what is written in any case.</summary>
    /// <exception cref="IOException">It cannot be read, or was not written.</exception>
    public Task WriteAsync(string room, AuditRecord record, Account by, params RecordChange[] beside) => WriteAsync(room, record, by, async entry =>
    {
        await records.WriteAsync([.. beside, entry]);
        return true;
    });

    /// <summary>What it costs, in bytes.</summary>
    public static int SizeOf(RecordChange change) => change.Key.Length + (change.Value?.Length ?? 0);

    public Task ForgetRoomAsync(string roomKey)
    {
        Forget(roomKey);
        return Task.CompletedTask;
    }

    /// <summary>The room has ended: nothing of it is in memory.</summary>
    public void Forget(string roomKey) => _newest.TryRemove(roomKey, out _);

    /// <summary>Another node has noted something of a room: what this one notes next is newer.</summary>
    public void Heard(RecordChange change)
    {
        if (change.Value is not null && AuditRecord.PlaceOf(change.Key) is var place && AuditRecord.IsPlace(place)
            && AuditRecord.RoomOf(change.Key) is var room && _newest.TryGetValue(room, out var newest))
        {
            // Should this one note something in the same moment, its place is after what it knew: both are told apart by chance.
            _newest.TryUpdate(room, Math.Max(newest, AuditRecord.AtOf(place).ToUnixTimeMilliseconds()), newest);
        }
    }

    private long StoredOf(string room) => records.ReadPage(AuditRecord.PrefixOf(room), [], 1) is [var (key, _)]
        && AuditRecord.PlaceOf(key) is var place
        && AuditRecord.IsPlace(place)
            ? AuditRecord.AtOf(place).ToUnixTimeMilliseconds() : 0;
}
