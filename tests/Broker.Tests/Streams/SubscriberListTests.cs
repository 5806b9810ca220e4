using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Streams;

/// <summary>The list that a room's worker reads while clients come and go.</summary>
public sealed class SubscriberListTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(500)]
    public async Task Each_is_found_replaced_and_removed_and_the_others_stay(int many)
    {
        await using var broker = await RunningBroker.StartAsync();
        var room = broker.Room("lobby");
        SubscriberList list = new();
        var clients = Enumerable.Range(0, many).Select(_ => new Client()).ToArray();
        foreach (var client in clients)
        {
            list.Put(client, client.In(room));
        }

        var before = list.Now.ToArray();
        Assert.Equal(clients, before.Select(subscriber => subscriber.Member));
        var again = clients[1].In(room);
        list.Put(clients[1], again);
        Assert.Same(again, list.Find(clients[1]));

        for (var gone = 0; gone < many; gone += 2)
        {
            list.Put(clients[gone], null);
            Assert.Null(list.Find(clients[gone]));
            Assert.Equal(clients.Where((_, i) => i % 2 == 1 || i > gone), list.Now.ToArray().Select(subscriber => subscriber.Member));
        }

        list.Put(clients[0], null);
        list.Put(clients[0], clients[0].In(room));
        Assert.Equal((many / 2) + 1, list.Now.Length);
        Assert.Same(clients[0], list.Find(clients[0])!.Member);
    }

    [Fact]
    public async Task Who_reads_while_others_go_passes_over_nobody_who_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var room = broker.Room("lobby");
        SubscriberList list = new();
        var clients = Enumerable.Range(0, 100).Select(_ => new Client()).ToArray();
        foreach (var client in clients)
        {
            list.Put(client, client.In(room));
        }

        List<IMember> met = [];
        var next = 0;
        foreach (var subscriber in list.Now)
        {
            met.Add(subscriber.Member);

            // All with an even number go, and others come, while the first are read.
            while (next < 100 && met.Count * 4 > next)
            {
                Client other = new();
                list.Put(clients[next], null);
                list.Put(other, other.In(room));
                next += 2;
            }
        }

        Assert.Equal(50, clients.Where((client, i) => i % 2 == 1 && met.Contains(client)).Count());
        Assert.Equal(met.Count, met.Distinct().Count());
    }

    [Fact]
    public async Task Fault_R5_Five_thousand_come_and_go_at_a_cost_that_does_not_grow_with_them()
    {
        await using var broker = await RunningBroker.StartAsync();
        var room = broker.Room("lobby");
        var few = Steps(500);
        var many = Steps(5_000);
        Assert.InRange(many / 5_000.0, 0, 2 * few / 500.0);

        long Steps(int clients)
        {
            SubscriberList list = new();
            var all = Enumerable.Range(0, clients).Select(_ => new Client()).ToArray();
            foreach (var client in all)
            {
                list.Put(client, client.In(room));
                list.Put(client, client.In(room));
            }

            // As the deletion of the room does.
            foreach (var subscriber in list.Now.ToArray())
            {
                list.Put(subscriber.Member, null);
            }

            Assert.Equal(0, list.Now.Length);
            return list.Steps;
        }
    }

    /// <summary>A client that is never sent anything.</summary>
    private sealed class Client : IMember
    {
        private static readonly HeldFilter[] Filters = [new(Filter(), 0, false, false, RetainHandling.DoNotSend, 0)];

        public Account Account => throw new NotSupportedException();

        public LoginSession? Session => null;

        public string AuthorKind => "person";

        public bool KeepsUp => true;

        public Subscriber In(EventStream stream) => Subscriber.Of(this, stream, Filters)!;

        public void Deliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched) => throw new NotSupportedException();

        public void DeliverIfIdle(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched) => throw new NotSupportedException();

        public bool TryDeliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched) => throw new NotSupportedException();

        public void DeliverEvents(Subscriber subscriber, ReadOnlySpan<EventDelivery> events, Wants wants, List<IMember> touched) => throw new NotSupportedException();

        public void Flush() => throw new NotSupportedException();

        public Lock.Scope HoldWrites() => throw new NotSupportedException();

        public void Begin(Subscriber subscriber, CatchUpFrom? from) => throw new NotSupportedException();

        public void Replace(Subscriber subscriber, Subscriber? by) => throw new NotSupportedException();

        private static RoomFilter Filter()
        {
            Assert.Equal(FilterError.None, RoomFilter.TryParse("rooms/lobby", out var filter));
            return filter!;
        }
    }
}
