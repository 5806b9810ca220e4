using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Broker.Notices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Notices.NoticeTalk;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Notices;

/// <summary>What is in memory of notices: of those who were asked about last, and found by the message.</summary>
public sealed class NoticeIndexTests
{
    [Fact]
    public async Task The_index_that_was_asked_longest_ago_goes_and_counts_the_same_when_it_is_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (caio, dora, yard) = await ToldAsync(broker);

        // Has room for one of them.
        NoticeIndexes few = new(most: 30);
        var (caios, doras) = (Index(broker, caio, few), Index(broker, dora, few));
        Assert.Equal(4, caios.CountAfter(yard, 0));
        var one = few.Messages;
        Assert.Equal(4, doras.CountAfter(yard, 0));
        Assert.Equal(one, few.Messages);
        Assert.Equal([dora.Account.Id], few.Remove(doras.After(0)[0]));
        Assert.Equal(4, caios.CountAfter(yard, 0));
    }

    [Fact]
    public async Task A_deletion_comes_to_those_who_were_told_of_it_and_to_nobody_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (caio, dora, yard) = await ToldAsync(broker);
        NoticeIndexes all = new();
        var (caios, doras, beas) = (Index(broker, caio, all), Index(broker, dora, all), Index(broker, await broker.RegisterAsync("eva"), all));
        Assert.Equal((4, 4, 0), (caios.CountAfter(yard, 0), doras.CountAfter(yard, 0), beas.CountAfter(yard, 0)));
        var before = all.Messages;
        var messages = caios.After(0);

        Assert.Equal(new[] { caio.Account.Id, dora.Account.Id }.Order(), all.Remove(messages[0]).Order());

        Assert.Empty(all.Remove(messages[0]));
        Assert.Equal((3, 2), (caios.CountAfter(yard, 0), doras.CountAfter(yard, messages[1].Of)));
        Assert.Equal(before - 2, all.Messages);
        caios.LetGo();
        doras.LetGo();
        beas.LetGo();
        Assert.Equal(0, all.Messages);
    }

    [Fact]
    public async Task A_message_that_was_truncated_before_anybody_was_told_is_due_no_more()
    {
        // Follows when the test says so.
        await using var broker = await RunningBroker.StartWithAsync(services =>
        {
            services.Remove(services.Single(service => service.ImplementationType == typeof(NoticeFollower)));
            services.AddSingleton<NoticeFollower>();
        });
        var talk = await InYardAsync(broker);
        var (records, follower) = (broker.Get<IRecords>(), broker.Get<NoticeFollower>());
        var key = NoticesDue.Key(talk.Log);
        var last = await talk.SayAsync(talk.Bea, "of nobody");
        await broker.Get<IEventLog>().TruncateAsync(talk.Log, last);
        await records.WriteAsync([new RecordChange(key, "gone"u8.ToArray())]);

        await FollowAsync(last - 1);
        Assert.NotNull(records.Find(key));
        await FollowAsync(last);

        Assert.Null(records.Find(key));

        Task FollowAsync(long seq) => follower.FollowAsync(
            [new JournalBatch(seq, [new LogChange(talk.Log, JournalKind.Append, seq, seq)])], TestContext.Current.CancellationToken);
    }

    private static async Task<(Member Caio, Member Dora, string Yard)> ToldAsync(RunningBroker broker)
    {
        var talk = await InYardAsync(broker);
        for (var number = 0; number < 4; number++)
        {
            await talk.SayAsync(talk.Bea, $"{number} for @caio and @dora");
        }

        await UntilStoredAsync(broker, talk.Caio, 4);
        await UntilStoredAsync(broker, talk.Mod, 4);
        return (talk.Caio, talk.Mod, broker.Room("yard").Key);
    }

    private static NoticeIndex Index(RunningBroker broker, Member of, NoticeIndexes among) =>
        new NoticeStream(of.Account, broker.Get<IEventLog>(), broker.Get<RoomDirectory>().FindByKey, among).Index;
}
