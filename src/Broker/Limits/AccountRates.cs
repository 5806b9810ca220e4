using System.Threading.RateLimiting;

namespace WebMessenger.Broker.Limits;

/// <summary>How often each account may do something.</summary>
/// <remarks>Thread-safe. The framework forgets who has not done it for ten seconds.</remarks>
/// <param name="perSecond">0: no limit.</param>
/// <param name="burst">So many at once, or those of a second if these are more.</param>
internal sealed class AccountRates(int perSecond, int burst) : IDisposable
{
    private readonly PartitionedRateLimiter<string> _rates = PartitionedRateLimiter.Create<string, string>(account => perSecond == 0
        ? RateLimitPartition.GetNoLimiter("")
        : RateLimitPartition.GetTokenBucketLimiter(account, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Math.Max(burst, perSecond),
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    /// <summary>False: <paramref name="wait"/> says for how long.</summary>
    public bool TryTake(string accountId, out TimeSpan wait)
    {
        using var lease = _rates.AttemptAcquire(accountId);
        wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromSeconds(1);
        return lease.IsAcquired;
    }

    public void Dispose() => _rates.Dispose();
}
