using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Retention;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Retention;

/// <summary>Rounds of retention on a running server's own stores, at a time that the test says.</summary>
internal sealed class Rounds : IDisposable
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly RetentionWork _work;

    /// <param name="space">Gives back what went of a log; null: the server's own.</param>
    public Rounds(RunningBroker broker, int daysAtMost = 0, ILogSpace? space = null) => _work = new RetentionWork(
        broker.Get<RoomDirectory>(), new ShortenedRooms(), broker.Get<IEventLog>(), broker.Get<IJournal>(), space ?? broker.Get<ILogSpace>(),
        broker.Get<FreedSpace>(), broker.Get<PurgeService>(),
        new Shortening(broker.Get<IEventLog>(), new BrokerLimits { RetentionStepsPerSecond = 0 }, _time, _time.GetUtcNow),
        broker.Get<BrokerSettings>() with { RetentionDaysAtMost = daysAtMost }, _time, NullLogger<RetentionWork>.Instance);

    /// <summary>Does a round so many days from now on, to its end.</summary>
    public Task AfterDaysAsync(int days) => AtAsync(TimeProvider.System.GetUtcNow().AddDays(days));

    /// <summary>Does a round at that time, to its end.</summary>
    public Task AtAsync(DateTimeOffset time)
    {
        _time.AdjustTime(time);
        return _work.WorkAsync(null, CancellationToken.None);
    }

    public void Dispose() => _work.Dispose();
}

/// <summary>Waits for what another task does.</summary>
internal static class Until
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public static async Task TrueAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(s_patience);
        while (!isSo())
        {
            await Task.Delay(10, patience.Token);
        }
    }
}
