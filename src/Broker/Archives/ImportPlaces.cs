using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Archives;

/// <summary>How many rooms are made of files at once, one of an account and so many in all, and how often a day an account tries.</summary>
/// <remarks>Thread-safe. A place of all is had by who has sent his file: who sends slowly keeps nobody out.</remarks>
internal sealed class ImportPlaces(BrokerLimits limits, TimeProvider time) : IDisposable
{
    /// <summary>So long a file waits for a place of all.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly ArchivePlaces _own = new(0);
    private readonly SemaphoreSlim _shared = new(limits.ImportsAtOnce > 0 ? (/* guard: rooms made of files at once */ limits.ImportsAtOnce) : int.MaxValue);

    /// <summary>How many files each account may send today.</summary>
    public DailyBudget Tries { get; } = new(limits.ImportsPerDay, time, isStored: false);

    /// <summary>Null: one of the account's is under way. Dispose of it when done.</summary>
    public IDisposable? TryTake(string accountId) => _own.TryTake(accountId);

    /// <summary>Null: none became free. Dispose of it when done.</summary>
    public async Task<IDisposable?> FindAsync(CancellationToken cancellation) =>
        await _shared.WaitAsync(LongestWait, cancellation) ? new Place(_shared) : null;

    public void Dispose() => _shared.Dispose();

    private sealed class Place(SemaphoreSlim of) : IDisposable
    {
        private int _isGiven;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGiven, 1) == 0)
            {
                of.Release();
            }
        }
    }
}
