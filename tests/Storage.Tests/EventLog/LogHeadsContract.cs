using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>Which heads of logs are in memory, and that none of them is ever an old one.</summary>
public abstract class LogHeadsContract
{
    private const int Logs = 200;

    [Fact]
    public async Task Heads_that_nobody_uses_leave_the_memory_and_are_as_they_were_when_they_come_back()
    {
        var (log, headsInMemory) = Open(inMemory: 10);
        await using var closed = log;
        var epochs = new string[Logs];
        for (var number = 0; number < Logs; number++)
        {
            await SayAsync(log, number);
            epochs[number] = log.Head(Name(number)).Epoch;
        }

        Assert.InRange(headsInMemory(), 1, 11);
        for (var number = 0; number < Logs; number++)
        {
            Assert.Equal((epochs[number], 1), (log.Head(Name(number)).Epoch, log.Head(Name(number)).Head));
            Assert.Equal(2, await SayAsync(log, number));
        }
    }

    [Fact]
    public async Task Reading_alone_brings_in_no_more_than_are_kept()
    {
        var (log, headsInMemory) = Open(inMemory: 10);
        await using var closed = log;
        for (var number = 0; number < Logs; number++)
        {
            Assert.Equal(0, log.Head(Name(number)).Head);
        }

        // Whatever the log thread still had to clear, it has cleared before this.
        await log.SettleAsync();
        await log.SettleAsync();
        Assert.InRange(headsInMemory(), 1, 11);
    }

    [Fact]
    public async Task An_open_log_tells_its_head_however_many_others_come_and_go()
    {
        var (log, headsInMemory) = Open(inMemory: 10);
        await using var closed = log;
        await SayAsync(log, 0);
        var open = log.Open(Name(0));
        for (var number = 1; number < Logs; number++)
        {
            await SayAsync(log, number);
        }

        await SayAsync(log, 0);
        Assert.Equal((log.Head(Name(0)), 2), (open.Head, open.Head.Head));
        GC.KeepAlive(open);
    }

    [Fact]
    public async Task No_seq_is_given_twice_while_heads_come_and_go_under_readers()
    {
        const int Few = 16, Rounds = 100;
        var (log, headsInMemory) = Open(inMemory: 1);
        await using var closed = log;
        using CancellationTokenSource over = new();
        var reading = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            for (var number = 0; !over.IsCancellationRequested; number = (number + 1) % Few)
            {
                Assert.InRange(log.Head(Name(number)).Head, 0, Rounds);
            }
        })).ToArray();
        for (var round = 1; round <= Rounds; round++)
        {
            var seqs = await Task.WhenAll(Enumerable.Range(0, Few).Select(number => SayAsync(log, number)));
            Assert.All(seqs, seq => Assert.Equal(round, seq));
        }

        await over.CancelAsync();
        await Task.WhenAll(reading);
    }

    [Fact]
    public async Task What_is_said_behind_an_act_in_one_queue_is_judged_by_what_the_act_has_changed()
    {
        var (log, headsInMemory) = Open(inMemory: 4);
        await using var closed = log;
        var isClosed = false;
        Act act = new(Name(1), () => isClosed = true);
        Ruled before = new(Name(1), () => !isClosed);
        Ruled after = new(Name(1), () => !isClosed);

        // All of them are in the next batch but for the act.
        Gathering gathering = new(Name(2), () =>
        {
            log.Append(before);
            log.Append(act);
            log.Append(after);
            return after;
        });
        log.Append(gathering);
        await gathering.HandedOver;
        await after.Decided;

        Assert.Equal(
            (AppendOutcome.Stored, AppendOutcome.Stored, AppendOutcome.RuledOut), (before.Outcome, act.Outcome, after.Outcome));
    }

    private static LogName Name(int number) => LogName.OfRoom($"room-{number}");

    private static async Task<long> SayAsync(IEventLog log, int number)
    {
        Said said = new(Name(number));
        log.Append(said);
        await said.Stored;
        return said.Seq;
    }

    /// <summary>Opens the log of this test, and how many heads of it are in memory.</summary>
    private protected abstract (IEventLog Log, Func<int> HeadsInMemory) Open(int inMemory);

    private sealed class Act(LogName log, Action apply) : PendingAppend(log, "ana", null, 0, new byte[] { 1 })
    {
        protected internal override bool EndsBatch => true;

        protected override void Completed() => apply();
    }

    private sealed class Ruled(LogName log, Func<bool> rule) : PendingAppend(log, "ana", null, 0, new byte[] { 1 })
    {
        private readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Decided => _decided.Task;

        protected internal override bool MayBeStored(int bytes) => rule();

        protected override void Completed() => _decided.SetResult();
    }

    private sealed class Said(LogName log) : PendingAppend(log, "ana", null, 0, new byte[] { 1 })
    {
        private readonly TaskCompletionSource _stored = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stored => _stored.Task;

        protected override void Completed()
        {
            Assert.Equal(AppendOutcome.Stored, Outcome);
            _stored.SetResult();
        }
    }
}
