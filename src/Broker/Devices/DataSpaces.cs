using System.Collections.Concurrent;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Devices;

/// <summary>The data topics of all rooms, by room key: made when a room's are first used. Thread-safe.</summary>
internal sealed class DataSpaces(IRetainedRooms retained, DataLogs logs, BrokerLimits limits, TimeProvider time, ILogger<DataSpace> logger)
{
    private readonly ConcurrentDictionary<string, DataSpace> _spaces = new();

    public DataSpace Of(Room room) => _spaces.GetOrAdd(
        room.Key,
        static (key, of) => new DataSpace(
            of.room, new RateBudget(of.limits.DataPublishPerSecond, of.limits.DataPublishBurst, of.time), of.logs.Of(key), of.logs, of.limits, of.logger),
        (room, logs, limits, time, logger));

    public DataLogs Logs => logs;

    /// <summary>False: they are another node's, and nothing is kept of them here.</summary>
    public bool IsHere { get; set; } = true;

    /// <summary>They are another node's from now on: whoever has one of these still has nothing written by it.</summary>
    public void LetGo()
    {
        _spaces.Clear();
        logs.LetGo();
    }

    /// <summary>Has the room's retained values in memory, and what its data log has. May wait for a disk.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public async ValueTask<DataSpace> OpenAsync(Room room)
    {
        var space = Of(room);

        // Each time: what nobody has asked for lately may have been let go.
        space.Open(await retained.OpenAsync(room.Key, room.OwnerId));
        await space.Log.OpenAsync();
        return space;
    }

    /// <summary>Completes when what was taken in before is said: whoever lost a right says nothing after.</summary>
    public Task SettleAsync() => Task.WhenAll(_spaces.Values.Select(space => space.SettleAsync()));

    /// <summary>About once a second: rooms that are deleted leave nothing. Who was there is gone by then.</summary>
    public void Sweep()
    {
        logs.Sweep();
        foreach (var (key, space) in _spaces)
        {
            if (space.Room.IsDeleted)
            {
                _spaces.TryRemove(key, out _);
                retained.Forget(key);
            }
        }
    }
}
