using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Retention;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Retention;

/// <summary>What is kept no more goes in steps, each of which may be the last. On a running server's own log.</summary>
public sealed class ShorteningTests
{
    private const int Step = Shortening.StepEvents;

    private static readonly LogName s_log = LogName.OfRoom("r000000000000000a");
    private static readonly LogName s_other = LogName.OfRoom("r000000000000000b");

    private static readonly byte[] s_message =
        EventBody.Message(EventType.Message, new Author("", "ana", "Ana", "person"), EventBody.NewId(), "hello", null);

    private readonly StillTime _time = new();

    [Fact]
    public async Task Steps_are_bounded_and_a_stop_between_two_of_them_loses_nothing_that_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var log = broker.Get<IEventLog>();
        await SayAsync(broker, s_log, (3 * Step) + 10);
        var shortening = OneStepASecond(log);
        using CancellationTokenSource stop = new();

        var shortened = shortening.ShortenAsync(s_log, () => new(Days: 1), stop.Token);
        await Until.TrueAsync(() => _time.Rests == 1);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(shortened.IsCompleted);
        Assert.Equal(1 + Step, log.Head(s_log).First);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await Until.TrueAsync(() => _time.Rests == 2);
        Assert.Equal(1 + (2 * Step), log.Head(s_log).First);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => shortened);

        Assert.Equal(Step + 3, await AtOnce(log).ShortenAsync(s_log, () => new(Messages: 7), CancellationToken.None));
        Assert.Equal(7, log.ReadAfter(s_log, 0, 100).Entries.Count);
    }

    [Fact]
    public async Task Steps_are_bounded_for_all_logs_together()
    {
        await using var broker = await RunningBroker.StartAsync();
        var log = broker.Get<IEventLog>();
        await SayAsync(broker, s_log, 3);
        await SayAsync(broker, s_other, 3);
        var shortening = OneStepASecond(log);

        Assert.Equal(3, await shortening.ShortenAsync(s_log, () => new(Days: 1), CancellationToken.None));
        var shortened = shortening.ShortenAsync(s_other, () => new(Days: 1), CancellationToken.None);
        await Until.TrueAsync(() => _time.Rests == 1 || shortened.IsCompleted);
        Assert.Equal(1, log.Head(s_other).First);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(3, await shortened);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 5)]
    public async Task A_rule_that_is_taken_back_between_two_steps_holds_for_none_after_it(int days, int messages)
    {
        await using var broker = await RunningBroker.StartAsync();
        var log = broker.Get<IEventLog>();
        await SayAsync(broker, s_log, 2 * Step);
        RetentionPolicy kept = new(days, messages);
        var shortened = OneStepASecond(log).ShortenAsync(s_log, () => kept, CancellationToken.None);

        // Each full page that is counted is followed by a rest, too.
        await Until.TrueAsync(() => _time.Rests == 1);
        for (var rest = 2; log.Head(s_log).First == 1; rest++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Until.TrueAsync(() => _time.Rests == rest);
        }

        Assert.Equal(1 + Step, log.Head(s_log).First);
        kept = new();
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(Step, await shortened);
        Assert.Equal(1 + Step, log.Head(s_log).First);
    }

    [Fact]
    public async Task Days_and_messages_hold_together_round_after_round()
    {
        await using var broker = await RunningBroker.StartAsync();
        var log = broker.Get<IEventLog>();
        var shortening = AtOnce(log);
        RetentionPolicy kept = new(Days: 1, Messages: 10);

        // Fewer than are kept: nobody counts them.
        await SayAsync(broker, s_log, 6);
        await RoundAsync(TimeSpan.Zero);
        var cut = await SayAsync(broker, s_log, 3);
        Assert.Equal(6, await RoundAsync(TimeSpan.FromDays(1), from: cut));

        await SayAsync(broker, s_log, 15);
        Assert.Equal(8, await RoundAsync(TimeSpan.Zero));
        Assert.Equal(10, log.ReadAfter(s_log, 0, 100).Entries.Count);

        // By their age, of what is counted and of what came since.
        await SayAsync(broker, s_log, 4);
        cut = await SayAsync(broker, s_log, 2);
        Assert.Equal(14, await RoundAsync(TimeSpan.FromDays(1), from: cut));
        await SayAsync(broker, s_log, 12);
        Assert.Equal(4, await RoundAsync(TimeSpan.Zero));

        // Somebody else cuts, and all is counted anew.
        await log.TruncateAsync(s_log, log.Head(s_log).First + 2);
        cut = await SayAsync(broker, s_log, 1);
        Assert.Equal(8, await RoundAsync(TimeSpan.FromDays(1), from: cut));
        await SayAsync(broker, s_log, 11);
        Assert.Equal(2, await RoundAsync(TimeSpan.Zero));
        Assert.Equal(10, log.ReadAfter(s_log, 0, 100).Entries.Count);

        Task<long> RoundAsync(TimeSpan later, DateTimeOffset? from = null)
        {
            _time.Now = (from ?? TimeProvider.System.GetUtcNow()) + later;
            return shortening.ShortenAsync(s_log, () => kept, CancellationToken.None);
        }
    }

    [Fact]
    public async Task What_is_old_by_a_clock_that_was_set_stays_until_so_much_time_has_passed()
    {
        await using var broker = await RunningBroker.StartAsync();
        var log = broker.Get<IEventLog>();
        await SayAsync(broker, s_log, 3);
        FakeTimeProvider passing = new(TimeProvider.System.GetUtcNow());
        JumpingClock machine = new(passing) { Off = TimeSpan.FromDays(3_652) };
        ServerClock clock = new(machine, passing.GetUtcNow());
        Shortening shortening = new(log, new BrokerLimits { RetentionStepsPerSecond = 0 }, clock, () => clock.Trusted);

        Assert.Equal(0, await shortening.ShortenAsync(s_log, () => new(Days: 1), CancellationToken.None));
        passing.Advance(TimeSpan.FromHours(13));
        Assert.Equal(3, await shortening.ShortenAsync(s_log, () => new(Days: 1), CancellationToken.None));
    }

    private Shortening OneStepASecond(IEventLog log)
    {
        _time.Now = TimeProvider.System.GetUtcNow().AddDays(2);
        return new(log, new BrokerLimits { RetentionStepsPerSecond = 1 }, _time, () => _time.Now);
    }

    private Shortening AtOnce(IEventLog log) => new(log, new BrokerLimits { RetentionStepsPerSecond = 0 }, _time, () => _time.Now);

    /// <summary>So many messages, all younger than those before. Returns when the first of them was said.</summary>
    private static async Task<DateTimeOffset> SayAsync(RunningBroker broker, LogName name, int count)
    {
        var log = broker.Get<IEventLog>();
        var head = log.Head(name);
        if (log.ReadBefore(name, long.MaxValue, 1).Entries is [var last])
        {
            await Until.TrueAsync(() => broker.Get<TimeProvider>().GetUtcNow() > last.At.AddMilliseconds(2));
        }

        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => log.AppendAsync(name, "ana", null, default, s_message)));
        return log.ReadAfter(name, head.Head, 1).Entries[0].At;
    }

    /// <summary>A clock that stands, and counts how often somebody has begun to rest.</summary>
    private sealed class StillTime : FakeTimeProvider
    {
        private int _rests;

        public int Rests => Volatile.Read(ref _rests);

        public DateTimeOffset Now { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _rests);
            return timer;
        }
    }
}
