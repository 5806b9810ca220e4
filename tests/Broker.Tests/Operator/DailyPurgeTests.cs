using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>What was deleted leaves the disk once a day without anybody's word.</summary>
public sealed class DailyPurgeTests
{
    private readonly Clock _time = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task What_was_deleted_leaves_the_files_at_its_hour_each_day_there_is_something_and_is_said_in_one_line()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var canary = Guid.NewGuid().ToString("N");
        var said = await talk.SayAsync(talk.Bea, canary);
        Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);
        LogOfEverything log = new();
        using DailyPurge daily = new(new PurgeHour(3), broker.Get<PurgeService>(), _time, new Logger<DailyPurge>(log));
        await daily.StartAsync(TestContext.Current.CancellationToken);
        await _time.Looked;

        await GoToAsync(new DateTimeOffset(2026, 11, 30, 2, 58, 0, TimeSpan.Zero));
        Assert.Equal(0, broker.Get<PurgeService>().Look().Times);
        await GoToAsync(new DateTimeOffset(2026, 11, 30, 3, 1, 0, TimeSpan.Zero));
        await UntilAsync(() => log.Lines.Count == 1);
        Assert.Contains("is in no file", log.Lines[0], StringComparison.Ordinal);
        await UntilAsync(() => !IsInFiles(broker, canary));

        // A day on which nothing was deleted, whatever was said.
        await talk.SayAsync(talk.Bea, "nothing of it");
        await GoToAsync(new DateTimeOffset(2026, 12, 1, 4, 0, 0, TimeSpan.Zero));
        Assert.False(broker.Get<PurgeService>().HasWork(CancellationToken.None));
        var next = await talk.SayAsync(talk.Bea, canary);
        Assert.Null((await talk.EditAsync(talk.Bea, next, "something else")).Refusal);
        Assert.True(broker.Get<PurgeService>().HasWork(CancellationToken.None));
        Assert.Equal(1, broker.Get<PurgeService>().Look().Times);
        await GoToAsync(new DateTimeOffset(2026, 12, 2, 4, 0, 0, TimeSpan.Zero));
        await UntilAsync(() => log.Lines.Count == 2);
        await UntilAsync(() => !IsInFiles(broker, canary));
        await daily.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_failure_is_told_and_tried_again_the_next_day_and_without_an_hour_it_is_never_done()
    {
        await using var broker = await RunningBroker.StartAsync();
        var times = 0;
        PurgeService purge = new(
            () => ++times == 1 ? throw new IOException("no room") : Task.CompletedTask,
            () => Task.CompletedTask, _ => Task.FromResult(true), broker.Get<IJournal>(), broker.Get<IRecords>());
        LogOfEverything log = new();
        using DailyPurge daily = new(new PurgeHour(0), purge, _time, new Logger<DailyPurge>(log)), never = new(new PurgeHour(-1), purge, _time, NullLogger<DailyPurge>.Instance);
        await daily.StartAsync(TestContext.Current.CancellationToken);
        await never.StartAsync(TestContext.Current.CancellationToken);
        await _time.Looked;

        await GoToAsync(new DateTimeOffset(2026, 11, 30, 0, 1, 0, TimeSpan.Zero));
        await UntilAsync(() => log.Lines.Count == 1);
        Assert.Contains("no room", log.Lines[0], StringComparison.Ordinal);
        await GoToAsync(new DateTimeOffset(2026, 12, 1, 0, 1, 0, TimeSpan.Zero));
        await UntilAsync(() => log.Lines.Count == 2);
        Assert.Equal(2, times);
        await daily.StopAsync(CancellationToken.None);
        await never.StopAsync(CancellationToken.None);
    }

    // A look a minute, each of which is let be done.
    private async Task GoToAsync(DateTimeOffset at)
    {
        while (_time.GetUtcNow() < at)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }
    }

    private static bool IsInFiles(RunningBroker broker, string canary)
    {
        var rooms = Path.Combine(broker.Program.DataFolder, "rooms");
        foreach (var path in Directory.EnumerateFiles(rooms, "*", SearchOption.AllDirectories))
        {
            try
            {
                using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using MemoryStream all = new();
                file.CopyTo(all);
                if (all.ToArray().AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(canary)) >= 0)
                {
                    return true;
                }
            }
            catch (IOException)
            {
                // Gone meanwhile.
            }
        }

        return false;
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (!isSo())
        {
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>Says when somebody waits for it: a service begins on a thread of its own.</summary>
    private sealed class Clock(DateTimeOffset now) : FakeTimeProvider(now)
    {
        private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Looked => _looked.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _looked.TrySetResult();
            return timer;
        }
    }
}
