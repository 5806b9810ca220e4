using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>
/// How many long answers an account and an address may be taking at once, and for how long one may be taken. So what waits in memory for
/// readers that are slow, or do not read, has a bound.
/// </summary>
/// <remarks>
/// Whoever comes when all are taken waits a moment for one, so that pages which come back together after a restart are all served, and is
/// refused then.
/// </remarks>
internal sealed class AnswerSlots : IDisposable
{
    /// <summary>An answer that is not taken by then is cut off: 1 MiB at 9 kB a second.</summary>
    public static readonly TimeSpan LongestTaking = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>Of one account or address; a request that waits holds nothing but its headers.</summary>
    private const int MostWaiting = 1000;

    private readonly TimeProvider _time;

    // A chain does not dispose of what it is made of.
    private readonly List<PartitionedRateLimiter<HttpContext>> _parts = [];
    private readonly PartitionedRateLimiter<HttpContext> _slots;

    /// <summary>
    /// Of the list of rooms, which every page begins with: whoever takes the others does not keep a neighbour's page from opening.
    /// </summary>
    private readonly PartitionedRateLimiter<HttpContext> _listSlots;

    public AnswerSlots(BrokerLimits limits, TimeProvider time) => (_time, _slots, _listSlots) = (time, Chain(limits), Chain(limits));

    public void Dispose()
    {
        _slots.Dispose();
        _listSlots.Dispose();
        _parts.ForEach(part => part.Dispose());
    }

    /// <summary>The answer that <paramref name="handler"/> makes, in a slot that is free again when it was taken.</summary>
    /// <param name="isList">It is the list of rooms.</param>
    public async ValueTask<object?> AnswerAsync(HttpContext context, Func<ValueTask<object?>> handler, bool isList = false)
    {
        if (await FindAsync(context, isList ? _listSlots : _slots) is not { } slot)
        {
            return Refused(context);
        }

        try
        {
            var answer = await handler();
            if (answer is IResult result)
            {
                return new Held(result, slot, _time);
            }

            slot.Dispose();
            return answer;
        }
        catch
        {
            slot.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Answers with what was made without a slot and turned out long: in one that is free now, or not at all. It is in memory already, so
    /// it does not wait.
    /// </summary>
    public async Task AnswerAsync(HttpContext context, IResult made)
    {
        var slot = _slots.AttemptAcquire(context);
        if (slot.IsAcquired)
        {
            await new Held(made, slot, _time).ExecuteAsync(context);
            return;
        }

        slot.Dispose();
        await Refused(context).ExecuteAsync(context);
    }

    /// <summary>Whether the answer to this request is in a slot.</summary>
    public static bool IsHeld(HttpContext context) => context.Features.Get<Held>() is not null;

    private static ProblemHttpResult Refused(HttpContext context)
    {
        context.Response.Headers.RetryAfter = ((int)LongestWait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return Problems.TooManyAnswers();
    }

    private PartitionedRateLimiter<HttpContext> Chain(BrokerLimits limits)
    {
        PartitionedRateLimiter<HttpContext>[] parts =
        [
            PartitionedRateLimiter.Create<HttpContext, string>(context => Slots(
                context.SignedIn().Account.Id, context.SignedIn().Account.IsGuest ? limits.AnswersPerGuest : limits.AnswersPerAccount)),
            PartitionedRateLimiter.Create<HttpContext, Origin>(
                context => Slots(Origin.Of(context.Connection.RemoteIpAddress), limits.AnswersPerAddress)),
        ];
        _parts.AddRange(parts);
        return PartitionedRateLimiter.CreateChained(parts);
    }

    private async Task<RateLimitLease?> FindAsync(HttpContext context, PartitionedRateLimiter<HttpContext> slots)
    {
        var lease = slots.AttemptAcquire(context);
        if (!lease.IsAcquired)
        {
            lease.Dispose();
            using CancellationTokenSource patience = new(LongestWait, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.RequestAborted);
            try
            {
                lease = await slots.AcquireAsync(context, 1, either.Token);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }

        if (lease.IsAcquired)
        {
            return lease;
        }

        lease.Dispose();
        return null;
    }

    private static RateLimitPartition<TKey> Slots<TKey>(TKey key, int limit) => (/* guard: long answers at once */ limit == 0)
        ? RateLimitPartition.GetNoLimiter(key)
        : RateLimitPartition.GetConcurrencyLimiter(
            key, _ => new ConcurrencyLimiterOptions { PermitLimit = limit, QueueLimit = /* guard: memory: requests that wait for an answer slot */ MostWaiting });

    private sealed class Held(IResult answer, RateLimitLease slot, TimeProvider time) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Features.Set(this);
            try
            {
                await using var end = time.CreateTimer(
                    static context => ((HttpContext)context!).Abort(), httpContext, /* guard: time to take an answer */ LongestTaking, Timeout.InfiniteTimeSpan);
                await using var cut = httpContext.SignedIn().Ended.Register(
                    static context => ((HttpContext)context!).Abort(), /* guard: a long answer ends with its login session */ httpContext);
                await answer.ExecuteAsync(httpContext);
            }
            catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
            {
                // The reader is gone, was too slow, or is signed out.
            }
            finally
            {
                slot.Dispose();
            }
        }
    }
}

/// <summary>The answer of this endpoint grows with what is stored.</summary>
internal sealed class LongAnswer;

/// <summary>How endpoints ask for it.</summary>
internal static class AnswerSlotsOfEndpoints
{
    /// <summary>
    /// For answers that grow with what is stored. Behind <see cref="RoomProblems.RequireMember"/>, which knows whose they are.
    /// </summary>
    /// <param name="ofList">One of those for the list of rooms.</param>
    public static TBuilder TakesAnswerSlot<TBuilder>(this TBuilder endpoint, bool ofList = false)
        where TBuilder : IEndpointConventionBuilder => endpoint.AddEndpointFilter((call, next) =>
            call.HttpContext.RequestServices.GetRequiredService<AnswerSlots>().AnswerAsync(call.HttpContext, () => next(call), ofList))
        .WithMetadata(new LongAnswer());
}
