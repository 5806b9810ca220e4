using System.Threading.RateLimiting;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Search;

/// <summary>How often an account may search, and how many searches are under way at once.</summary>
/// <remarks>The framework forgets who has not searched for ten seconds.</remarks>
internal sealed class SearchTurns(BrokerLimits limits) : IDisposable
{
    /// <summary>So many at once: what is looked for, and the next pages of it.</summary>
    private const int Burst = 3;

    private readonly PartitionedRateLimiter<string> _rates = PartitionedRateLimiter.Create<string, string>(account => limits.SearchesPerSecond == 0
        ? RateLimitPartition.GetNoLimiter("")
        : RateLimitPartition.GetTokenBucketLimiter(account, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Math.Max(Burst, limits.SearchesPerSecond),
            TokensPerPeriod = limits.SearchesPerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    private readonly SearchPlaces? _places = limits.SearchesAtOnce == 0 ? null : new(limits.SearchesAtOnce);

    /// <summary>False: <paramref name="wait"/> says for how long.</summary>
    public bool TryTake(string accountId, out TimeSpan wait)
    {
        using var lease = _rates.AttemptAcquire(accountId);
        wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromSeconds(1);
        return /* guard: searches of an account */ lease.IsAcquired;
    }

    /// <summary>False: as many as may be are under way, and were for so long. Else it ends with <see cref="Leave"/>.</summary>
    public async Task<bool> EnterAsync(string accountId, bool isGuest, TimeSpan patience, CancellationToken cancellation) =>
        _places is null || /* guard: searches at once */ await _places.EnterAsync(accountId, isGuest, patience, cancellation);

    public void Leave(string accountId, bool isGuest) => _places?.Leave(accountId, isGuest);

    public void Dispose() => _rates.Dispose();
}
