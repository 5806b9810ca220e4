using System.Threading.RateLimiting;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>
/// How many calls of the HTTP API are answered (S24): so many a second of a login session, a few times as many of an account, wherever its
/// pages and programs are, and so many of an address of those who are not signed in.
/// So a family behind one address is not one account, an account is not as many as it has addresses, and a stolen cookie or token uses up
/// what is its own. Ending login sessions and tokens is in neither: whoever calls all day keeps no owner from that.
/// </summary>
/// <remarks>
/// The framework forgets who has been quiet for ten seconds or more,
/// so that its memory is bounded by what the sockets let through in that time.
/// Its middleware is not used, for it never stops the timers of its limiters, and chains of limiters do not either.
/// </remarks>
internal sealed class RequestRates(BrokerLimits limits) : IDisposable
{
    /// <summary>
    /// So many seconds' worth at once: a page begins with about 15 calls, and many pages come back together after a restart.
    /// </summary>
    private const int BurstSeconds = 10;

    /// <summary>A /48 of IPv6, which one customer of a host has, takes as much as so many addresses.</summary>
    private const int NetworkShare = 4;

    /// <summary>An account has as much as so many login sessions.</summary>
    private const int AccountShare = 5;

    private static readonly RateLimitPartition<(string? Account, Origin Origin)> s_unlimited =
        RateLimitPartition.GetNoLimiter<(string?, Origin)>(("", default));

    // A network first: what it may not take makes no partition for each of its addresses.
    private readonly PartitionedRateLimiter<HttpContext>[] _rates =
    [
        PartitionedRateLimiter.Create<HttpContext, (string?, Origin)>(context => OfNetwork(context, limits)),
        PartitionedRateLimiter.Create<HttpContext, (string?, Origin)>(context => Of(context, limits)),
        PartitionedRateLimiter.Create<HttpContext, (string?, Origin)>(context => OfAccount(context, limits)),
    ];

    /// <summary>Serves a request, or refuses it with when it may come again.</summary>
    public async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        foreach (var rate in _rates)
        {
            using var lease = rate.AttemptAcquire(context);
            if (!lease.IsAcquired)
            {
                var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromSeconds(1);
                await Problems.TooManyRequests(context, wait).ExecuteAsync(context);
                return;
            }
        }

        await next(context);
    }

    public void Dispose() => Array.ForEach(_rates, rate => rate.Dispose());

    private static RateLimitPartition<(string? Account, Origin Origin)> OfNetwork(HttpContext context, BrokerLimits limits) =>
        IsLimited(context) && Origin.TrySite(context.Connection.RemoteIpAddress, out var site) && SessionOf(context) is null
            ? Bucket((null, site), limits.RequestsPerSecondPerAddress, NetworkShare)
            : s_unlimited;

    private static RateLimitPartition<(string? Account, Origin Origin)> Of(HttpContext context, BrokerLimits limits) =>
        !IsLimited(context) ? s_unlimited
        : SessionOf(context) is not { } session ? Bucket((null, Origin.Of(context.Connection.RemoteIpAddress)), limits.RequestsPerSecondPerAddress, 1)
        : (/* guard: calls: what ends something is counted apart */ EndsSomething(context.Request)) ? Bucket((session.Id, Origin.Of(context.Connection.RemoteIpAddress)), limits.RequestsPerSecondPerAddress, 1)
        : Bucket((session.Id, default), limits.RequestsPerSecond, 1);

    // Behind the login session's: what that one may not take is not taken from the others.
    private static RateLimitPartition<(string? Account, Origin Origin)> OfAccount(HttpContext context, BrokerLimits limits) =>
        IsLimited(context) && !EndsSomething(context.Request) && SessionOf(context) is { } session
            ? Bucket((session.Account.Id, default), limits.RequestsPerSecond, AccountShare)
            : s_unlimited;

    private static bool IsLimited(HttpContext context) => (/* guard: calls of an account and an address */ context.Request.Path.StartsWithSegments("/api")) && /* guard: calls: signing in has limits of its own */ !SignsIn(context.Request);

    // Has limits of its own, which tell a neighbour from who is known there (AttemptLimits).
    private static bool SignsIn(HttpRequest request) => HttpMethods.IsPost(request.Method)
        && (request.Path.StartsWithSegments("/api/session") || request.Path.StartsWithSegments("/api/accounts") || request.Path.StartsWithSegments("/api/password-links"));

    // Logging out, ending login sessions and tokens, a new password, the end of the account.
    private static bool EndsSomething(HttpRequest request) => HttpMethods.IsDelete(request.Method)
        ? request.Path.StartsWithSegments("/api/session") || request.Path.StartsWithSegments("/api/sessions") || request.Path.StartsWithSegments("/api/tokens")
            || request.Path.StartsWithSegments("/api/accounts/me")
        : HttpMethods.IsPatch(request.Method) && request.Path.StartsWithSegments("/api/accounts/me");

    // Read without a touch: a refused call is no use of the login session.
    private static LoginSession? SessionOf(HttpContext context) => context.RequestServices.GetRequiredService<RequestSignIn>().Look(context.Request);

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
}
