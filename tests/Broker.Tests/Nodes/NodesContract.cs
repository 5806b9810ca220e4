using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>What every implementation of <see cref="INodes"/> keeps to.</summary>
public abstract class NodesContract
{
    private static readonly Newcomer _newcomer = new("c1", "s1", Scope.Everything);

    /// <summary>All nodes of one house, each with what it is at itself.</summary>
    private protected abstract IReadOnlyList<(INodes Nodes, RecordingNode Here)> Open();

    [Fact]
    public void Each_node_has_a_name_of_its_own_and_knows_the_others()
    {
        var house = Open();
        var names = house.Select(node => node.Nodes.Self).ToList();

        Assert.Equal(names, names.Distinct());
        Assert.All(names, name => Assert.InRange(name.Length, 1, 32));
        Assert.All(house, node => Assert.Equal(names.Except([node.Nodes.Self]).Order(), node.Nodes.Others.Order()));
    }

    [Fact]
    public async Task Who_asks_all_asks_each_once_and_itself_before_the_call_returns()
    {
        var house = Open();
        foreach (var (nodes, here) in house)
        {
            var revoked = nodes.RevokeAsync([nodes.Self + "1", nodes.Self + "2"], RevocationReason.Banned);
            Assert.Equal([nodes.Self + "1", nodes.Self + "2"], here.Revoked.TakeLast(2));
            await revoked;
            ClientName client = new("ana", nodes.Self);
            var takenOver = nodes.TakeOverAsync(client, _newcomer);
            Assert.Equal(client, here.TakenOver.Last());
            using var taking = await takenOver;
            Assert.True(taking.IsYours);
        }

        var names = house.Select(node => node.Nodes.Self).ToList();
        Assert.All(house, node => Assert.Equal(names.SelectMany(name => new[] { name + "1", name + "2" }), node.Here.Revoked));
        Assert.All(house, node => Assert.Equal(names.Select(name => new ClientName("ana", name)), node.Here.TakenOver));
    }

    [Fact]
    public async Task Who_asks_all_is_answered_when_the_last_has_answered()
    {
        var house = Open();
        foreach (var (nodes, _) in house)
        {
            foreach (var (_, held) in house)
            {
                held.Hold();
                var (revoked, takenOver) = (nodes.RevokeAsync(["s1"], RevocationReason.SignedOut), nodes.TakeOverAsync(new("ana", "phone"), _newcomer));
                Assert.False(revoked.IsCompleted || takenOver.IsCompleted);
                held.Answer();
                await Task.WhenAll(revoked, takenOver).WaitAsync(TestContext.Current.CancellationToken);
                (await takenOver).Dispose();
            }
        }
    }

    [Fact]
    public async Task A_client_that_may_do_more_stays_where_it_is()
    {
        var house = Open();
        foreach (var (nodes, _) in house)
        {
            foreach (var (_, other) in house.Where(other => other.Nodes != nodes))
            {
                other.Yields = false;
                using (var taking = await nodes.TakeOverAsync(new("ana", "phone"), _newcomer))
                {
                    Assert.False(taking.IsYours);
                }

                other.Yields = true;
            }

            using var again = await nodes.TakeOverAsync(new("ana", "phone"), _newcomer);
            Assert.True(again.IsYours);
        }
    }
}

public sealed class AloneTests : NodesContract
{
    private protected override IReadOnlyList<(INodes Nodes, RecordingNode Here)> Open()
    {
        RecordingNode here = new("alone");
        return [(new Alone(here), here)];
    }
}

public sealed class NodesInOneProcessTests : NodesContract
{
    private protected override IReadOnlyList<(INodes Nodes, RecordingNode Here)> Open()
    {
        var all = new[] { "a", "b", "c" }.Select(name => new RecordingNode(name)).ToList();
        return [.. all.Select(here => ((INodes)new NodesInOneProcess(here.Name, here, [.. all.Where(other => other != here)]), here))];
    }
}
