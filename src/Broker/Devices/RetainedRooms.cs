using System.Collections.Concurrent;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>The retained values of all rooms, by room key.</summary>
/// <remarks>
/// Thread-safe. A room that was deleted keeps an empty place until the program ends, so that nothing is written under its key.
/// </remarks>
internal sealed class RetainedRooms : IRetainedRooms
{
    /// <summary>Values that expire are taken out at this rate at most, twice a second.</summary>
    private const int SweptAtOnce = 2_000;

    /// <summary>Sparklines are written at about this rate, twice a second: a room's at once.</summary>
    private const int LinesAtOnce = 400;

    private readonly ConcurrentDictionary<string, RetainedValues> _rooms = new();
    private readonly Func<string, RetainedValues> _make;

    public RetainedRooms(IRecords records, BrokerLimits limits, DiskSpace space, TimeProvider time, ILogger<RetainedRooms> logger)
    {
        Memory = new RetainedMemory(limits, RetainedMemory.BoundOf(limits), () => _rooms.Values, time);
        Lines = new Sparklines(limits);
        _make = key => new RetainedValues(key, Memory, Lines, records, space, time, logger);
    }

    public RetainedMemory Memory { get; }

    /// <summary>Values of all rooms that have them in memory now.</summary>
    public int CountInMemory() => _rooms.Values.Sum(room => room.Size.Count);

    public Sparklines Lines { get; }

    public RetainedValues Of(string roomKey) => _rooms.GetOrAdd(roomKey, _make);

    async ValueTask<IRetainedValues> IRetainedRooms.OpenAsync(string roomKey, string? ownerId)
    {
        var values = Of(roomKey);
        values.OwnerId = ownerId;
        return await values.OpenAsync() ? values : throw new IOException("The values of this room's data topics cannot be read now.");
    }

    public void Forget(string roomKey) => Of(roomKey).Close();

    /// <summary>They are another node's from now on: nothing more is written by these, and whoever waits for it is told so.</summary>
    public void LetGo()
    {
        foreach (var key in _rooms.Keys)
        {
            if (_rooms.TryRemove(key, out var room))
            {
                room.Close();
            }
        }
    }

    public Task ForgetAsync(string roomKey) => Of(roomKey).ForgetAsync();

    /// <summary>Twice a second: what QoS 0 has set is written, each ten minutes the sparklines, and what has expired goes.</summary>
    public void Sweep()
    {
        var most = SweptAtOnce;
        var lines = LinesAtOnce;
        foreach (var room in _rooms.Values)
        {
            lines -= lines > 0 ? room.TurnLines() : 0;
            most -= room.Sweep(most);
        }
    }

    /// <summary>All that was set so far is on disk, or the disk takes nothing.</summary>
    public Task SaveAsync() => Task.WhenAll(_rooms.Values.Select(room => room.SaveAllAsync()));
}
