using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Rooms.Heard;

/// <summary>Turns of one thing at a node, as the cluster sees them.</summary>
public sealed class NodeTurnsTests
{
    [Fact]
    public async Task All_who_share_at_once_share_one_turn_of_the_cluster_and_the_last_gives_it_back()
    {
        TurnsOfCluster cluster = new();
        var turns = Turns.Of(cluster, "room/", "yard");
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => turns.ShareAsync()));
        Assert.Equal(["room/yard shared"], cluster.Taken);
        foreach (var turn in all[1..])
        {
            turn.Dispose();
        }

        Assert.Equal(1, cluster.Held);
        all[0].Dispose();
        Assert.Equal(0, cluster.Held);
        (await turns.ShareAsync()).Dispose();
        Assert.Equal(2, cluster.Taken.Count);
    }

    [Fact]
    public async Task Who_wants_to_be_alone_waits_for_those_of_his_node_and_then_for_the_cluster()
    {
        TurnsOfCluster cluster = new();
        var turns = Turns.Of(cluster, "room/", "yard");
        var shares = await turns.ShareAsync();
        var alone = turns.BeAloneAsync();
        Assert.Equal(["room/yard shared"], cluster.Taken);
        shares.Dispose();
        using (await alone)
        {
            Assert.Equal(["room/yard shared", "room/yard"], cluster.Taken);
            Assert.False(turns.ShareAsync().IsCompleted);
        }
    }

    [Fact]
    public async Task A_crowd_that_does_not_end_lets_another_node_be_alone()
    {
        TurnsOfCluster cluster = new();
        var turns = Turns.Of(cluster, "room/", "yard");
        var first = await turns.ShareAsync();
        for (var i = 0; i < 1000; i++)
        {
            // There is always somebody in.
            var next = await turns.ShareAsync();
            first.Dispose();
            first = next;
        }

        first.Dispose();
        Assert.True(cluster.Taken.Count > 1);
        Assert.Equal(0, cluster.Held);
    }

    [Fact]
    public async Task A_turn_that_cannot_be_had_is_no_turn_and_stops_nobody_who_asks_anew()
    {
        TurnsOfCluster cluster = new() { IsGone = true };
        var turns = Turns.Of(cluster, "room/", "yard");
        var accounts = AccountTurns.Of(cluster, "account/");
        await Assert.ThrowsAsync<IOException>(() => turns.ShareAsync());
        await Assert.ThrowsAsync<IOException>(() => turns.BeAloneAsync());
        await Assert.ThrowsAsync<IOException>(() => accounts.EnterAsync("ana"));
        cluster.IsGone = false;
        using (await turns.ShareAsync())
        using (await accounts.EnterAsync("ana"))
        {
            Assert.Equal(["room/yard shared", "account/ana"], cluster.Taken);
        }

        (await turns.BeAloneAsync()).Dispose();
        Assert.Equal(0, cluster.Held);
    }

    [Fact]
    public void Alone_turns_are_those_of_the_node()
    {
        Assert.Same(typeof(Turns), Turns.Of(AloneTurns.Instance, "rooms").GetType());
        Assert.Same(typeof(AccountTurns), AccountTurns.Of(null, "account/").GetType());
    }

    /// <summary>A cluster in which nobody else is, that remembers what was asked of it.</summary>
    private sealed class TurnsOfCluster : ITurns
    {
        private int _held;

        public List<string> Taken { get; } = [];

        public int Held => Volatile.Read(ref _held);

        public bool IsGone { get; set; }

        public bool IsAlone => false;

        public Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default)
        {
            if (IsGone)
            {
                return Task.FromException<IDisposable>(new IOException("The database is not there."));
            }

            lock (Taken)
            {
                Taken.Add(isShared ? name + " shared" : name);
            }

            Interlocked.Increment(ref _held);
            return Task.FromResult<IDisposable>(new Turn(this));
        }

        private sealed class Turn(TurnsOfCluster cluster) : IDisposable
        {
            public void Dispose() => Interlocked.Decrement(ref cluster._held);
        }
    }
}
