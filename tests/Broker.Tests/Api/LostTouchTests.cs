using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Api;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Api;

public sealed class LostTouchTests
{
    [Fact]
    public void A_node_that_is_cut_off_keeps_its_clients_for_half_a_minute_and_from_the_beginning_each_time()
    {
        FakeTimeProvider time = new();
        SwitchedLease lease = new();
        LostTouch lost = new(lease, time);
        for (var times = 0; times < 2; times++)
        {
            lease.IsFresh = false;
            Assert.False(lost.IsForLong());
            time.Advance(TimeSpan.FromSeconds(30));
            Assert.False(lost.IsForLong());
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(lost.IsForLong());

            lease.IsFresh = true;
            Assert.False(lost.IsForLong());
            time.Advance(TimeSpan.FromMinutes(5));
        }
    }

    private sealed class SwitchedLease : ILease
    {
        public bool IsFresh { get; set; } = true;

        public long Losses => 0;

        public ValueTask WhenFreshAsync() => ValueTask.CompletedTask;
    }
}
