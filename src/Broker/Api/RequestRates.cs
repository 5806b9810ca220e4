using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Hosting;

namespace WebMessenger.Broker.Api;

/// <summary>
/// How many calls of the HTTP API are answered (S24): so many a second of an account, wherever its pages and programs are, and so many of an address of those who are
/// not signed in. So a family behind one address is not one account, and an account is not as many as it has addresses.
/// </summary>
/// <remarks>The framework forgets who has been quiet for ten seconds or more, so that its memory is bounded by what the sockets let through in that time.</remarks>
internal static class RequestRates
{
    /// <summary>So many seconds' worth at once: a page begins with about 15 calls, and many pages come back together after a restart.</summary>
    private const int BurstSeconds = 10;

    /// <summary>A /48 of IPv6, which one customer of a host has, takes as much as so many addresses.</summary>
    private const int NetworkShare = 4;

    private static readonly RateLimitPartition<(string? Account, Origin Origin)> s_unlimited =
        RateLimitPartition.GetNoLimiter<(string?, Origin)>(("", default));

    public static void AddServices(IServiceCollection services)
    {
        services.AddRateLimiter(options =>
        {
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.OnRejected = RefuseAsync;
        });
        services.AddOptions<RateLimiterOptions>().Configure<BrokerLimits>((options, limits) => options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<HttpContext, (string?, Origin)>(context => OfNetwork(context, limits)),
            PartitionedRateLimiter.Create<HttpContext, (string?, Origin)>(context => Of(context, limits))));
    }

    // A network first: what it may not take makes no partition for each of its addresses.
    private static RateLimitPartition<(string? Account, Origin Origin)> OfNetwork(HttpContext context, BrokerLimits limits) =>
        IsLimited(context) && Origin.TrySite(context.Connection.RemoteIpAddress, out var site) && AccountOf(context) is null
            ? Bucket((null, site), limits.RequestsPerSecondPerAddress, NetworkShare)
            : s_unlimited;

    private static RateLimitPartition<(string? Account, Origin Origin)> Of(HttpContext context, BrokerLimits limits) =>
        !IsLimited(context) ? s_unlimited
        : AccountOf(context) is { } account ? Bucket((account, default), limits.RequestsPerSecond, 1)
        : Bucket((null, Origin.Of(context.Connection.RemoteIpAddress)), limits.RequestsPerSecondPerAddress, 1);

    private static bool IsLimited(HttpContext context) => context.Request.Path.StartsWithSegments("/api");

    // Read without a touch: a refused call is no use of the login session.
    private static string? AccountOf(HttpContext context) => context.RequestServices.GetRequiredService<RequestSignIn>().Look(context.Request)?.Account.Id;

    private static RateLimitPartition<(string? Account, Origin Origin)> Bucket((string?, Origin) key, int perSecond, int times)
    {
        if (perSecond == 0)
        {
            return s_unlimited;
        }

        var rate = Math.Min((long)perSecond * times, int.MaxValue / BurstSeconds);
        return RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = (int)rate * BurstSeconds,
            TokensPerPeriod = (int)rate,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        });
    }

    private static async ValueTask RefuseAsync(OnRejectedContext rejected, CancellationToken cancellation)
    {
        var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromSeconds(1);
        await Problems.TooManyRequests(rejected.HttpContext, wait).ExecuteAsync(rejected.HttpContext);
    }
}
