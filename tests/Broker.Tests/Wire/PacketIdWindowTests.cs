using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Tests.Wire;

public sealed class PacketIdWindowTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1024)]
    public void It_gives_as_many_ids_as_it_is_wide_and_none_twice(int size)
    {
        PacketIdWindow window = new();
        window.Resize(size);
        HashSet<ushort> inFlight = [];
        for (var i = 0; i < size; i++)
        {
            Assert.True(window.TryTake(out var id));
            Assert.NotEqual(0, id);
            Assert.True(inFlight.Add(id));
        }

        Assert.True(window.IsFull);
        Assert.False(window.TryTake(out _));

        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var one = inFlight.ElementAt(random.Next(inFlight.Count));
            Assert.True(window.Release(one));
            Assert.False(window.Release(one));
            inFlight.Remove(one);
            Assert.True(window.TryTake(out var id));
            Assert.True(inFlight.Add(id));
        }
    }

    [Fact]
    public void An_id_that_was_never_given_is_not_taken_back()
    {
        PacketIdWindow window = new();

        Assert.False(window.Release(1));
        Assert.True(window.TryTake(out var id));
        Assert.False(window.Release(0));
        Assert.False(window.Release(65_535));
        Assert.False(window.Release((ushort)(id + 1)));
        Assert.True(window.Release(id));
    }

    [Fact]
    public void Ids_that_are_kept_from_connection_to_connection_do_not_grow()
    {
        ushort highest = 1;
        for (var connection = 0; connection < 1_000; connection++)
        {
            PacketIdWindow window = new();
            window.Resize(128);
            window.Reserve(highest);
            for (var i = 0; i < 2_000; i++)
            {
                Assert.True(window.TryTake(out var id));
                Assert.InRange(id, 1, 1_024);
                Assert.True(window.Release(id));
                highest = Math.Max(highest, id);
            }
        }
    }

    [Fact]
    public void Ids_that_go_to_clients_of_other_nodes_lie_above_all_others_and_take_room_there()
    {
        PacketIdWindow home = new(), own = new();
        home.Resize(2);
        home.BeginAtRelayed();
        own.Resize(2);

        home.Reserve(PacketIdWindow.Relayed + 300);
        Assert.True(home.TryTake(out var first));
        Assert.InRange(first, PacketIdWindow.Relayed + 1, ushort.MaxValue);
        Assert.True(home.Contains(PacketIdWindow.Relayed + 300));
        Assert.False(home.Contains(1));
        Assert.True(home.Release(first));
        Assert.False(home.Release(first));

        Assert.True(own.TryBorrow());
        Assert.True(own.TryTake(out var talk));
        Assert.InRange(talk, 1, PacketIdWindow.Relayed);
        Assert.False(own.TryBorrow());
        Assert.False(own.TryTake(out _));
        own.GiveBack();
        Assert.True(own.TryTake(out _));
    }
}
