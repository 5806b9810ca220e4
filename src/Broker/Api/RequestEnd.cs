namespace WebMessenger.Broker.Api;

/// <summary>When a request is cut off (<see cref="RequestsUnderWay"/>): what is bounded in another way may last longer.</summary>
internal sealed class RequestEnd(ITimer timer)
{
    /// <summary>From now on.</summary>
    public static void Put(HttpContext context, TimeSpan longest) => context.Features.Get<RequestEnd>()?.Put(longest);

    private void Put(TimeSpan longest) => timer.Change(longest, Timeout.InfiniteTimeSpan);
}
