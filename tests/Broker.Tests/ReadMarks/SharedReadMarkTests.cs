using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>How far somebody has read who reads on two nodes.</summary>
public sealed class SharedReadMarkTests
{
    [Fact]
    public async Task What_is_read_on_one_node_is_read_on_the_other_and_said_there()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var ana = await ReaderAsync(house, messages: 10);
        var (one, two) = (house.Nodes[0], house.Nodes[1]);
        List<long> told = [];
        Assert.NotNull(two.Positions.Find(ana, two.Room));
        two.Positions.Changed += (account, stream) =>
        {
            Assert.Equal((ana, two.Room), (account, stream));
            told.Add(two.Positions.Find(ana, two.Room)!.Value.Seq);
        };

        Assert.Equal(MarkOutcome.Taken, (await one.Positions.MarkAsync(ana, one.Room, 4, epoch: null)).Outcome);
        await house.SettleAsync();
        Assert.Equal((4, 6), (two.Positions.Find(ana, two.Room)!.Value.Seq, two.Positions.Find(ana, two.Room)!.Value.Unread));
        Assert.Equal([4], told);

        // Further back only if that is asked for, and then on both.
        await two.Positions.MarkAsync(ana, two.Room, 2, epoch: null, isBack: true);
        await house.SettleAsync();
        Assert.Equal(2, one.Positions.Find(ana, one.Room)!.Value.Seq);
    }

    [Fact]
    public async Task Marks_that_two_nodes_set_at_once_never_go_back()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var ana = await ReaderAsync(house, messages: 600);
        Random random = new(20261201);
        long furthest = 0;
        for (var round = 0; round < 100; round++)
        {
            var marks = house.Nodes.ConvertAll(_ => Enumerable.Range(0, 3).Select(_ => random.NextInt64(5 * round, (5 * round) + 40)).ToArray());
            furthest = Math.Max(furthest, marks.Max(some => some.Max()));
            var results = await Task.WhenAll(house.Nodes.SelectMany((node, i) => marks[i].Select(seq => Task.Run(() => node.Positions.MarkAsync(ana, node.Room, seq, epoch: null)))));
            await house.SettleAsync();

            Assert.All(results, result => Assert.Equal(MarkOutcome.Taken, result.Outcome));
            Assert.All(house.Nodes, node => Assert.Equal(furthest, node.Positions.Find(ana, node.Room)!.Value.Seq));
            Assert.Equal(furthest, Mark.Parse(house.Nodes[0].Log.Find(AccountPositions.Key(ana.Id, house.Log.Value))).Seq);
        }
    }

    [Fact]
    public async Task What_an_earlier_stay_left_behind_is_overwritten()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var ana = await ReaderAsync(house, messages: 10);
        var one = house.Nodes[0];
        Assert.NotNull(one.Positions.Find(ana, one.Room));
        await house.SettleAsync();
        await house.Broker.Get<IRecords>().WriteAsync([new(AccountPositions.Key(ana.Id, house.Log.Value), new Mark(9, "another").ToBytes())]);

        Assert.Equal(MarkOutcome.Taken, (await one.Positions.MarkAsync(ana, one.Room, 5, epoch: null)).Outcome);
        Assert.Equal(5, Mark.Parse(one.Log.Find(AccountPositions.Key(ana.Id, house.Log.Value))).Seq);
    }

    // On the list of the room of each node, having read nothing.
    private static async Task<Account> ReaderAsync(SharedHouse house, int messages)
    {
        var ana = (await house.Broker.RegisterAsync("ana")).Account;
        house.Nodes.ForEach(node => node.Room.AddMember(ana.Id, new Membership(MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.UnixEpoch), isStored: true)));
        await house.Nodes[0].Positions.BeginAsync(ana, house.Nodes[0].Room);
        Author bob = new("bob", "bob", "Bob", "person");
        await Task.WhenAll(Enumerable.Range(0, messages).Select(_ => house.Nodes[0].Log.AppendAsync(
            house.Log, "bob", null, default, EventBody.Message(EventType.Message, bob, EventBody.NewId(), "hello", null))));
        await house.SettleAsync();
        return ana;
    }
}
