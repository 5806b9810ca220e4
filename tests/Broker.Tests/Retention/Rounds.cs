using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Retention;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Retention;

/// <summary>Rounds of retention on a running server's own stores, at a time that the test says.</summary>
internal sealed class Rounds(RunningBroker broker, int daysAtMost = 0) : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private RetentionWork? _work;

    /// <summary>Does a round so many days from now on, and waits until it has come so far.</summary>
    public async Task AfterDaysAsync(int days, Func<bool> isDone)
    {
        _time.SetUtcNow(TimeProvider.System.GetUtcNow().AddDays(days));
        if (_work is null)
        {
            // The first is at the start.
            _work = new RetentionWork(
                broker.Get<RoomDirectory>(), new ShortenedRooms(), broker.Get<IEventLog>(), broker.Get<IJournal>(), broker.Get<ILogSpace>(),
                new Shortening(broker.Get<IEventLog>(), new BrokerLimits { RetentionStepsPerSecond = 0 }, _time),
                broker.Get<BrokerSettings>() with { RetentionDaysAtMost = daysAtMost }, _time, NullLogger<RetentionWork>.Instance);
            await _work.StartAsync(CancellationToken.None);
        }

        await Until.TrueAsync(isDone);
    }

    public async ValueTask DisposeAsync()
    {
        if (_work is not null)
        {
            await _work.StopAsync(CancellationToken.None);
            _work.Dispose();
        }
    }
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
