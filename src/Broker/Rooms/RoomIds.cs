using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rooms;

/// <summary>Ids of rooms that are no more, and how many ids each account may still try (faults S8, S17).</summary>
/// <remarks>Thread-safe. Who puts and removes has the turn of all rooms (<see cref="ChangeTurns.OfRoomsAsync"/>).</remarks>
internal sealed class RoomIds(BrokerLimits limits, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, FormerRoom> _former = new();

    /// <summary>How many ids each account may try today.</summary>
    public DailyBudget Tries { get; } = new(limits.RoomTriesPerDay, time, isStored: false);

    /// <summary>The room that had the id last, if it was deleted.</summary>
    public FormerRoom? FormerOf(string id) => _former.GetValueOrDefault(id);

    public void Put(FormerRoom former) => _former[former.Id] = former;

    /// <summary>Another room has the id.</summary>
    public void Remove(string id) => _former.TryRemove(id, out _);

    /// <summary>
    /// Only its maker and administrators take the id of a deleted room again: links, filters and bots of others still name it
    /// (fault S17).
    /// </summary>
    public static bool MayTake(FormerRoom former, Account account) => former.OwnerId == account.Id || account.Profile.IsAdministrator;
}
