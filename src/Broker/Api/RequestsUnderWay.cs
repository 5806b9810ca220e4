using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Api;

/// <summary>
/// How many requests of any kind are served at once, of an address and in all, and for how long one may last. A request holds memory from its
/// first header until its answer is taken, and by HTTP/2 a socket carries a hundred: so counting sockets or calls does not bound it.
/// </summary>
/// <remarks>
/// <para>Whoever comes when all places are taken waits a moment, so that pages which come back together after a restart are all served.</para>
/// <para>A WebSocket is counted until it opens, from then on by <see cref="Clients.ConnectionLimits"/>. Health checks have places of their own:
/// a crowd must not have a supervisor end the server.</para>
/// </remarks>
internal sealed class RequestsUnderWay : IDisposable
{
    /// <summary>A request that is not over by then is cut off.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>How long a request waits for a place.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>What a request may hold: a body, or an answer that waits for its reader, and what the server needs beside them.</summary>
    private const int RequestBytes = 128 * 1024;

    /// <summary>Of the process's memory, where the settings do not say how many.</summary>
    private const int Share = 8;
    private const int Fewest = 64;
    private const int Most = 2048;

    /// <summary>An address never has more than this part of the places: three others still find one.</summary>
    private const int AddressShare = 4;

    /// <summary>A request that waits holds its headers: so many wait for each place that there is.</summary>
    private const int WaitingPerPlace = 4;

    private const int HealthPerAddress = 16;

    /// <summary>RFC 9113, 7: the client may send it again.</summary>
    private const int RefusedStream = 7;

    private readonly PartitionedRateLimiter<HttpContext> _places;
    private readonly PartitionedRateLimiter<HttpContext> _healthPlaces;
    private readonly TimeProvider _time;
    private readonly BasePath _basePath;
    private readonly int _mostWaiting;
    private int _waiting;
    private int _refusals;

    public RequestsUnderWay(BrokerSettings settings, TimeProvider time)
    {
        var limits = settings.Limits;
        (_time, _basePath, Places) = (time, settings.BasePath, PlacesOf(limits, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        _mostWaiting = (int)Math.Min((long)Places * WaitingPerPlace, int.MaxValue);
        var perAddress = limits.RequestsUnderWayPerAddress == 0 ? 0 : Math.Min(limits.RequestsUnderWayPerAddress, Math.Max(1, Places / AddressShare));

        // The address first: what it may not take holds no place that others wait for.
        _places = PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<HttpContext, Origin>(context => PlacesFor(OriginOf(context), perAddress, Math.Max(1, _mostWaiting / 2))),
            PartitionedRateLimiter.Create<HttpContext, Origin>(_ => PlacesFor(default(Origin), Places, _mostWaiting)));
        _healthPlaces = PartitionedRateLimiter.Create<HttpContext, Origin>(context => PlacesFor(OriginOf(context), HealthPerAddress, 0));
    }

    /// <summary>Of all addresses together.</summary>
    public int Places { get; }

    /// <summary>How many requests wait for a place.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <param name="memory">Bytes that the process may use.</param>
    internal static int PlacesOf(BrokerLimits limits, long memory) => limits.RequestsUnderWay != 0
        ? limits.RequestsUnderWay
        : (int)Math.Clamp(memory / Share / RequestBytes, Fewest, Most);

    public void Dispose()
    {
        _places.Dispose();
        _healthPlaces.Dispose();
    }

    /// <summary>What every request passes, behind what knows the client's address.</summary>
    public async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        context.Features.Get<CountedSocket>()?.MarkUsed();
        var path = _basePath.IsRoot || !context.Request.Path.StartsWithSegments(_basePath.Prefix, out var below) ? context.Request.Path : below;
        var lease = path.StartsWithSegments("/health") ? Taken(_healthPlaces.AttemptAcquire(context)) : await FindAsync(context);
        if (lease is null)
        {
            await RefuseAsync(context);
            return;
        }

        var isOpened = false;
        var end = _time.CreateTimer(static request => ((HttpContext)request!).Abort(), context, Longest, Timeout.InfiniteTimeSpan);
        try
        {
            if (IsWebSocket(context))
            {
                context.Response.OnStarting(() =>
                {
                    isOpened = context.Response.StatusCode is StatusCodes.Status101SwitchingProtocols or StatusCodes.Status200OK;
                    if (isOpened)
                    {
                        end.Dispose();
                        lease.Dispose();
                    }

                    return Task.CompletedTask;
                });
            }

            SteadyBody body = new(context, _time, SteadyBody.LongestPause);
            await next(context);
            if (!isOpened)
            {
                await body.FinishAsync();
            }
        }
        finally
        {
            await end.DisposeAsync();
            lease.Dispose();
        }
    }

    private static Origin OriginOf(HttpContext context) => Origin.Of(context.Connection.RemoteIpAddress);

    private static bool IsWebSocket(HttpContext context) =>
        context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true }
        || context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };

    private static RateLimitPartition<Origin> PlacesFor(Origin key, int places, int waiting) => places == 0
        ? RateLimitPartition.GetNoLimiter(key)
        : RateLimitPartition.GetConcurrencyLimiter(key, _ => new ConcurrencyLimiterOptions { PermitLimit = places, QueueLimit = waiting });

    private static RateLimitLease? Taken(RateLimitLease lease)
    {
        if (lease.IsAcquired)
        {
            return lease;
        }

        lease.Dispose();
        return null;
    }

    private async ValueTask<RateLimitLease?> FindAsync(HttpContext context)
    {
        if (Taken(_places.AttemptAcquire(context)) is { } free)
        {
            return free;
        }

        try
        {
            // In all, too: there are more addresses than memory.
            if (Interlocked.Increment(ref _waiting) > _mostWaiting)
            {
                return null;
            }

            using CancellationTokenSource patience = new(LongestWait, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.RequestAborted);
            return Taken(await _places.AcquireAsync(context, 1, either.Token));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task RefuseAsync(HttpContext context)
    {
        try
        {
            // A refusal that is not read holds memory, too. Beyond so many, a stream is told so by its end, which waits for nobody.
            if (Interlocked.Increment(ref _refusals) > Places)
            {
                if (context.Features.Get<IHttpResetFeature>() is { } stream)
                {
                    stream.Reset(RefusedStream);
                }
                else
                {
                    context.Abort();
                }

                return;
            }

            SteadyBody body = new(context, _time, LongestWait);
            await Problems.Crowded(context, LongestWait).ExecuteAsync(context);
            await body.FinishAsync();
        }
        finally
        {
            Interlocked.Decrement(ref _refusals);
        }
    }
}
