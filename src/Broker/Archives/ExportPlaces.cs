using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Archives;

/// <summary>The places of exports, and who has to wait for one because he did not take all of his last.</summary>
/// <remarks>Thread-safe. It knows as many accounts as have left an export within the hour that one may last.</remarks>
internal sealed class ExportPlaces(BrokerLimits limits, TimeProvider time) : ArchivePlaces(limits.ExportsAtOnce)
{
    /// <summary>Who was cut off because he took nothing waits so long at least.</summary>
    public static readonly TimeSpan AfterCutOff = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();

    // By account: when it may again.
    private readonly Dictionary<string, DateTimeOffset> _waiting = [];

    /// <summary>Who has not taken all of his waits as long as he held the place: the others have it for half of the time.</summary>
    public void HoldOff(string accountId, TimeSpan held, bool isCutOff)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            foreach (var over in _waiting.Where(one => one.Value <= now).Select(one => one.Key).ToList())
            {
                _waiting.Remove(over);
            }

            _waiting[accountId] = now + (isCutOff && held < AfterCutOff ? AfterCutOff : held);
        }
    }

    /// <summary>Zero: he need not wait.</summary>
    public TimeSpan WaitOf(string accountId)
    {
        lock (_gate)
        {
            return _waiting.TryGetValue(accountId, out var until) && until - time.GetUtcNow() is { Ticks: > 0 } wait ? wait : TimeSpan.Zero;
        }
    }
}
