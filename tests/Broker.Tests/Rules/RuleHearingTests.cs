using System.Net;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Rules;

/// <summary>Rules look at so much of what devices say, once for all of them, and hold up nobody.</summary>
public sealed class RuleHearingTests
{
    private static readonly string _long = new('x', 9_000);

    [Fact]
    public void Attack_65_A_publish_is_parsed_once_for_all_rules_and_not_for_those_that_need_no_JSON()
    {
        using RuleLook look = new(Message("t", """{"a":1}"""));
        Heard heard = new();
        ListenerOf(heard, path: null).Hear(look);
        ListenerOf(heard, path: null, kind: "silent").Hear(look);
        Assert.Equal(0, look.Parsed);

        for (var rule = 0; rule < 20; rule++)
        {
            ListenerOf(heard, path: "a").Hear(look);
        }

        Assert.Equal(1, look.Parsed);
        using RuleLook broken = new(Message("t", "{"));
        ListenerOf(heard, path: "a").Hear(broken);
        ListenerOf(heard, path: "b").Hear(broken);
        Assert.Equal(1, broken.Parsed);
    }

    [Fact]
    public async Task Attack_65_Beyond_a_room_s_bytes_rules_do_not_hear_what_is_said_and_say_so()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RuleBytesPerSecondPerRoom", "100");
        var talk = await MessageTalk.InYardAsync(broker);
        await RuleTests.MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "#", when = "changes", path = "n", text = "{topic} {value}" });
        using DataCalls device = new(broker, talk.Mod.Token);
        for (var number = 1; number <= 6; number++)
        {
            // The first is heard, and uses up what there is for ten seconds.
            Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("t", $$"""{"n":{{number}},"x":"{{_long}}"}"""));
        }

        Assert.Empty(await RuleTests.SaidAsync(talk));
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        var rule = Assert.Single((await page.Get(RuleTests.Rules)).GetProperty("rules").EnumerateArray());
        Assert.Contains("rule_busy", rule.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("why").GetString()));
    }

    [Fact]
    public void Attack_65_Beyond_an_account_s_bytes_the_rules_of_its_other_rooms_wait_too()
    {
        FakeTimeProvider time = new();
        RuleBudgets budgets = new(new BrokerLimits { RuleBytesPerSecondPerAccount = 100 }, time);
        budgets.Take("one", "ana", 500);
        Assert.Equal((false, true), (budgets.HasSome("two", "ana"), budgets.HasSome("three", "bea")));

        time.Advance(TimeSpan.FromSeconds(4));
        Assert.True(budgets.HasSome("two", "ana"));
        time.Advance(TimeSpan.FromSeconds(10));
        budgets.Sweep();
        Assert.Equal(0, budgets.Count);
    }

    [Fact]
    public async Task Attack_65_So_much_is_held_for_rules_that_may_not_look_now()
    {
        await using var broker = await RunningBroker.StartAsync();
        await MessageTalk.InYardAsync(broker);
        FakeTimeProvider time = new();
        BrokerLimits limits = new() { RuleBytesPerSecondPerRoom = 1, TopicsPerRule = 150 };
        RuleBudgets budgets = new(limits, time);
        Heard heard = new();
        List<RuleListener> rules = [];
        RuleHearing hearing = new(broker.Room("yard"), budgets, limits, () => rules);
        rules.Add(ListenerOf(heard, path: null, hearing: hearing));
        Hear(hearing, rules[0], "t", "first");
        Assert.False(hearing.HoldsSome);
        Hear(hearing, rules[0], "t", "second");
        Hear(hearing, rules[0], "t", "third");

        for (var number = 0; number < 1_000; number++)
        {
            Hear(hearing, rules[0], $"t/{number}", _long);
        }

        Assert.InRange(hearing.HeldBytes, 100 * _long.Length, 1 << 20);
        for (var number = 0; number < 1_000; number++)
        {
            Hear(hearing, rules[0], $"t/{number}", "x");
        }

        Assert.Equal("third".Length + 149, hearing.HeldBytes);
        Assert.Equal(1, heard.Refused);

        hearing.HearHeld();
        Assert.True(hearing.HoldsSome);
        for (var seconds = 0; hearing.HoldsSome; seconds++)
        {
            Assert.True(seconds < 10_000);
            time.Advance(TimeSpan.FromSeconds(100));
            hearing.HearHeld();
        }

        Assert.Equal(1 + 149, heard.Noted);
        Assert.Equal(["t third"], heard.Said);
    }

    [Fact]
    public async Task Attack_65_Where_a_rule_hears_nothing_is_said_on_the_thread_that_brought_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await RuleTests.MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "other", when = "changes", text = "{value}" });
        var space = await broker.Get<DataSpaces>().OpenAsync(broker.Room("yard"));
        Listening listening = new();
        Assert.True(DataFilter.TryParse("#", isMounted: false, out var filter));
        space.Subscribe(new DataSubscription { Filter = filter, Member = listening });

        Thread brings = new(() => _ = space.PublishAsync(Message("t", "1"), () => true));
        brings.Start();

        Assert.True(await listening.HeardOnPool.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        brings.Join();
    }

    private static void Hear(RuleHearing hearing, RuleListener rule, string topic, string payload)
    {
        DataFrames frames = new(Message(topic, payload), []);
        hearing.Hear(rule, frames);
        frames.EndSharing();
    }

    private static DataMessage Message(string topic, string payload) =>
        new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), At = DateTimeOffset.UtcNow };

    private static RuleListener ListenerOf(Heard heard, string? path, string kind = "changes", RuleHearing? hearing = null)
    {
        Rule rule = new("rule-a", "r", "m", DateTimeOffset.UnixEpoch, 1, new RuleTerms("Heat", "#", kind, "{value}", Path: path));
        return new RuleListener(rule, new Dictionary<string, TopicState>(), 0, DateTimeOffset.UnixEpoch, heard, hearing);
    }

    private sealed class Heard : IRuleSpeech
    {
        public int Noted { get; private set; }

        public int Refused { get; private set; }

        public List<string> Said { get; } = [];

        public void Say(RuleListener listener, string topic, TopicState state, RuleValue value) => Said.Add($"{topic} {value.Text}");

        public void Note(RuleListener listener) => Noted++;

        void IRuleSpeech.Refused(Rule rule, string why) => Refused++;
    }

    private sealed class Listening : IDataMember
    {
        public TaskCompletionSource<bool> HeardOnPool { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ulong PublisherMark => 0;

        public int Unacknowledged => 0;

        public DataMatch Match { get; } = new();

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched) => HeardOnPool.TrySetResult(Thread.CurrentThread.IsThreadPoolThread);
    }
}
