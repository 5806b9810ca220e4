using System.Net;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Devices.RetainedDisk;

namespace WebMessenger.Broker.Tests.Rules;

/// <summary>What rules look at of what is retained is bounded, and holds up nobody.</summary>
public sealed class RuleWalkTests
{
    private static readonly string _kilobyte = new('x', 1024);

    [Fact]
    public async Task Attack_65_A_walk_gives_others_a_turn_after_64_KiB()
    {
        using RuleWalks walks = new(new BrokerLimits());
        Turns turns = new();
        var before = SynchronizationContext.Current;
        var seen = 0;
        Task<RuleWalk> walk;
        SynchronizationContext.SetSynchronizationContext(turns);
        try
        {
            walk = walks.TestAsync(Values(200), _ =>
            {
                seen++;
                return false;
            });
            Assert.InRange(seen, 1, 64);
            turns.RunAll();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        Assert.Equal((RuleWalk.Whole, 200), (await walk, seen));
        Assert.InRange(turns.Taken, 3, 10);
    }

    [Fact]
    public async Task Attack_65_One_walk_is_under_way_at_a_time_and_a_test_gives_up_waiting()
    {
        using RuleWalks walks = new(new BrokerLimits());
        using ManualResetEventSlim over = new();
        TaskCompletionSource begun = new();
        var first = Task.Run(() => walks.HearAsync(Values(1), _ =>
        {
            begun.SetResult();
            over.Wait(TestContext.Current.CancellationToken);
        }));
        await begun.Task;
        Assert.Equal(RuleWalk.Busy, await walks.TestAsync(Values(1), _ => throw new InvalidOperationException("It had no turn.")));

        over.Set();
        Assert.Equal(RuleWalk.Whole, await first);
        Assert.Equal(RuleWalk.Whole, await walks.TestAsync(Values(1), _ => true));
    }

    [Fact]
    public async Task Attack_65_A_rule_that_begins_looks_at_four_megabytes_and_at_nothing_of_what_is_too_long()
    {
        using RuleWalks walks = new(new BrokerLimits());
        var heard = 0;
        Assert.Equal(RuleWalk.Cut, await walks.HearAsync(Values(5_000), _ => heard++));
        Assert.InRange(heard, 3_000, 4_096);

        Assert.Equal(RuleWalk.Whole, await walks.HearAsync(Enumerable.Repeat(Message("t", new string('x', 20_000)), 5_000), _ => heard++));
    }

    [Fact]
    public async Task Attack_65_A_test_looks_at_so_many_values_and_bytes_and_says_that_there_are_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        object terms = new { name = "Mode", filter = "#", when = "changes", path = "nowhere", text = "{value}" };
        var id = await RuleTests.MadeAsync(broker, talk.Mod, terms);
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await RetainAsync(broker, RuleWalks.MostTested, "{}");
        var whole = await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{RuleTests.Rules}/{id}/test");
        Assert.False(whole.TryGetProperty("partial", out _));

        await RetainAsync(broker, RuleWalks.MostTested + 1, "{}");
        var cut = await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{RuleTests.Rules}/{id}/test");
        Assert.Equal((null, true), (cut.Text(), cut.GetProperty("partial").GetBoolean()));

        await RetainAsync(broker, RuleWalks.MostTested + 1, "");
        await RetainAsync(broker, 80, $$"""{"a":"{{new string('x', 15_000)}}"}""");
        Assert.True((await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{RuleTests.Rules}/{id}/test")).GetProperty("partial").GetBoolean());
    }

    [Fact]
    public async Task Attack_65_Rules_are_tested_made_and_changed_so_often_by_an_account()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RuleTestsPerSecond", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        object terms = new { name = "Mode", filter = "t", when = "changes", text = "{value}" };
        var id = await RuleTests.MadeAsync(broker, talk.Mod, terms);
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        var (asked, refused) = (0, 0);
        while (refused == 0)
        {
            // What a slow machine gets back meanwhile is one a second: so the tests come to an end.
            Assert.True(asked++ < 1_000);
            refused += (await page.SendAsync(HttpMethod.Post, $"{RuleTests.Rules}/{id}/test")).Status == HttpStatusCode.TooManyRequests ? 1 : 0;
        }

        Assert.InRange(asked, 5, 1_000);
        using var others = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await others.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{RuleTests.Rules}/{id}/test");
    }

    private static async Task RetainAsync(RunningBroker broker, int topics, string payload)
    {
        var space = await broker.Get<DataSpaces>().OpenAsync(broker.Room("yard"));
        for (var number = 0; number < topics; number++)
        {
            var message = Message($"v/{number}", payload, qos: 0);
            Assert.Equal(DataOutcome.Said, await space.PublishAsync(message, () => true));
        }
    }

    private static IEnumerable<DataMessage?> Values(int count) => Enumerable.Range(0, count).Select(number => Message($"t/{number}", _kilobyte));

    /// <summary>Turns wait until the test lets them go on.</summary>
    private sealed class Turns : SynchronizationContext
    {
        private readonly Queue<(SendOrPostCallback Work, object? State)> _waiting = new();

        public int Taken { get; private set; }

        public override void Post(SendOrPostCallback d, object? state) => _waiting.Enqueue((d, state));

        public void RunAll()
        {
            while (_waiting.TryDequeue(out var turn))
            {
                Taken++;
                turn.Work(turn.State);
            }
        }
    }
}
