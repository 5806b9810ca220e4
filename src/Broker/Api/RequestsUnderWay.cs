using Microsoft.AspNetCore.Http.Features;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Api;

/// <summary>
/// How many requests of any kind are served at once, of an address and in all, and for how long one may last.
/// A request holds memory from its first header until its answer is taken, and by HTTP/2 a socket carries a hundred:
/// so counting sockets or calls does not bound it.
/// </summary>
/// <remarks>
/// <para>Whoever comes when all places are taken waits a moment, so that pages which come back together after a restart are all served, and
/// is served before those who have many (<see cref="RequestPlaces"/>).</para>
/// <para>A WebSocket is counted until it opens, from then on by <see cref="Clients.ConnectionLimits"/>.
/// Health checks have places of their own: a crowd must not have a supervisor end the server.</para>
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

    private readonly RequestPlaces _places;
    private readonly RequestPlaces _healthPlaces;
    private readonly TimeProvider _time;
    private readonly BasePath _basePath;
    private int _refusals;

    public RequestsUnderWay(BrokerSettings settings, TimeProvider time)
    {
        var limits = settings.Limits;
        (_time, _basePath, Places) = (time, settings.BasePath, PlacesOf(limits, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        var perAddress = limits.RequestsUnderWayPerAddress == 0 ? 0 : Math.Min(limits.RequestsUnderWayPerAddress, Math.Max(1, Places / AddressShare));
        _places = new RequestPlaces(Places, perAddress, (int)Math.Min((long)Places * WaitingPerPlace, int.MaxValue), time);
        _healthPlaces = new RequestPlaces(0, HealthPerAddress, 0, time);
    }

    /// <summary>Of all addresses together.</summary>
    public int Places { get; }

    /// <summary>How many requests wait for a place.</summary>
    public int Waiting => _places.Waiting;

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
        var places = path.StartsWithSegments("/health") ? _healthPlaces : _places;
        using var place = await places.FindAsync(context.Connection.RemoteIpAddress, context.Abort, LongestWait, context.RequestAborted);
        if (place is null)
        {
            await RefuseAsync(context);
            return;
        }

        var isOpened = false;
        var end = _time.CreateTimer(static request => ((HttpContext)request!).Abort(), context, /* guard: a request ends */ Longest, Timeout.InfiniteTimeSpan);
        context.Features.Set(new RequestEnd(end));
        try
        {
            if (IsWebSocket(context))
            {
                context.Response.OnStarting(() =>
                {
                    isOpened = /* guard: only a WebSocket that opens gives its place back */ context.Response.StatusCode == (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true }
                        ? StatusCodes.Status200OK
                        : StatusCodes.Status101SwitchingProtocols);
                    if (isOpened)
                    {
                        end.Dispose();
                        place.Dispose();
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
        }
    }

    private static bool IsWebSocket(HttpContext context) =>
        context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true }
        || context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };

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
