using System.Collections.Concurrent;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rules;

/// <summary>How many bytes of publishes rules look at: those of a room, and those of all rooms of one account.</summary>
/// <remarks>Thread-safe. Who has all of his budget again is forgotten.</remarks>
internal sealed class RuleBudgets(BrokerLimits limits, TimeProvider time)
{
    // What may be looked at after a quiet while.
    private const int Seconds = 2;

    private readonly ConcurrentDictionary<string, WorkBudget> _ofRooms = new();
    private readonly ConcurrentDictionary<string, WorkBudget> _ofAccounts = new();

    public int Count => _ofRooms.Count + _ofAccounts.Count;

    /// <param name="holder">Id of the account that the room is of, else the room's key.</param>
    public bool HasSome(string room, string holder) =>
        (/* guard: bytes that rules of a room look at */ OfRoom(room).HasSome(out _))
        && /* guard: bytes that rules of an account's rooms look at */ OfAccount(holder).HasSome(out _);

    /// <summary>Takes it, be it more than is left.</summary>
    public void Take(string room, string holder, int bytes)
    {
        OfRoom(room).Take(bytes);
        OfAccount(holder).Take(bytes);
    }

    public void Sweep()
    {
        foreach (var budgets in (ConcurrentDictionary<string, WorkBudget>[])[_ofRooms, _ofAccounts])
        {
            foreach (var (key, budget) in budgets)
            {
                if (budget.IsFull)
                {
                    budgets.TryRemove(new(key, budget));
                }
            }
        }
    }

    private WorkBudget OfRoom(string room) =>
        _ofRooms.GetOrAdd(room, static (_, of) => new WorkBudget(of.limits.RuleBytesPerSecondPerRoom, Seconds, of.time), (limits, time));

    private WorkBudget OfAccount(string holder) =>
        _ofAccounts.GetOrAdd(holder, static (_, of) => new WorkBudget(of.limits.RuleBytesPerSecondPerAccount, Seconds, of.time), (limits, time));
}
