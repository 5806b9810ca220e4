using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Tests.Webhooks;
using WebMessenger.Broker.Webhooks;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>What one node of several does, and another takes over.</summary>
public sealed class SharedWorkTests
{
    [Fact]
    public async Task Webhooks_are_told_by_the_node_that_has_the_duty_from_where_another_left_off()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        SwitchedDuties duties = new();
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<IDuties>(duties), "--WebMessenger:Webhooks:AllowedNetworks:0", "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        var teller = broker.Get<WebhookTeller>();
        var (_, webhook) = await broker.Get<RoomWebhooks>().MakeAsync(broker.Room("yard"), talk.Mod.Account, "elsewhere", elsewhere.Address);
        teller.Begin(broker.Room("yard"), webhook!);

        for (var i = 1; i <= 3; i++)
        {
            await talk.SayAsync(talk.Bea, $"line {i}");
            Assert.True((await teller.TestAsync(webhook!, talk.Mod.Account.Id, TestContext.Current.CancellationToken))?.IsTaken);
            Assert.All(await elsewhere.HearAsync(i), call => Assert.Equal("test", call.Json.Type()));
        }

        duties.Give();
        var heard = await elsewhere.HearAsync(6);
        Assert.Equal(["line 1", "line 2", "line 3"], heard.Skip(3).Select(call => call.Json.Text()));
    }

    [Fact]
    public async Task Followers_go_from_node_to_node_and_each_change_is_followed_once()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var log = house.Broker.Get<IEventLog>();
        var records = house.Broker.Get<IRecords>();
        var room = LogName.OfRoom("followed");
        SwitchedDuties[] duties = [new(), new()];
        Counting[] counting = [new(records, room), new(records, room)];
        var followers = house.Nodes.Select((node, i) => new Followers(
            [counting[i]], house.Broker.Get<IJournal>(), records, TimeProvider.System, NullLogger<Followers>.Instance, duties[i], node)).ToList();
        foreach (var one in followers)
        {
            await one.StartAsync(TestContext.Current.CancellationToken);
        }

        duties[0].Give();
        await UntilAsync(() => Following.PlaceOf(records, counting[0].Name) is not null);
        duties[0].Take();
        for (var round = 0; round < 40; round++)
        {
            duties[round % 2].Give();
            for (var i = 0; i < 5; i++)
            {
                await log.AppendAsync(room, "bob", null, default, "{}"u8.ToArray());
            }

            if (round % 4 == 3)
            {
                // Some in the middle of its work, some when it had followed to the end.
                await UntilAsync(() => Sum(records) == 5 * (round + 1));
            }

            duties[round % 2].Take();
        }

        duties[0].Give();
        await UntilAsync(() => Sum(records) >= 200);
        Assert.Equal(200, Sum(records));
        Assert.All(counting, one => Assert.True(one.HasFollowed));
        foreach (var one in followers)
        {
            await one.StopAsync(TestContext.Current.CancellationToken);
            one.Dispose();
        }
    }

    private static long Sum(IRecords records) => records.Find("counted"u8) is { } value ? long.Parse(value, CultureInfo.InvariantCulture) : 0;

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (!isSo())
        {
            await Task.Delay(10, patience.Token);
        }
    }

    /// <summary>Counts the events of one log, in a record of its own: what is followed twice counts twice.</summary>
    private sealed class Counting(IRecords records, LogName room) : IFollower
    {
        public bool HasFollowed { get; private set; }

        public string Name => "counting";

        public TimeSpan Gathers => TimeSpan.Zero;

        public Task ForgetAsync(CancellationToken cancellation) => Task.CompletedTask;

        public Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<RecordChange>>([]);

        public async Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation)
        {
            HasFollowed = true;
            var events = batches.SelectMany(batch => batch.Changes).Where(change => change.Log == room).Sum(change => change.To - change.From + 1);
            await Task.Yield();
            return events == 0 ? [] : [Counted(Sum(records) + events)];
        }

        private static RecordChange Counted(long count) => new("counted"u8.ToArray(), Encoding.ASCII.GetBytes(count.ToString(CultureInfo.InvariantCulture)));
    }
}
