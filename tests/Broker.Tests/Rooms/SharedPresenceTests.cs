using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who is in a room that several nodes have people in.</summary>
public sealed class SharedPresenceTests
{
    [Fact]
    public async Task Two_tabs_on_two_nodes_greet_once_and_leave_once()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 1);
        var (ana, one, two) = (house.Accounts[0], house.Nodes[0], house.Nodes[1]);

        await Task.WhenAll(Task.Run(() => one.Come(ana)), Task.Run(() => two.Come(ana)));
        await house.SettleAsync();
        Assert.Equal([(true, ana.UserName)], house.Said().Words);
        Assert.All(house.Nodes, node => Assert.Equal(1, node.Room.People));
        Assert.Equal(2, house.Stored("here/yard/").Count);

        one.Go(ana);
        await house.SettleAsync();
        Assert.Single(house.Said().Words);
        Assert.All(house.Nodes, node => Assert.Equal(1, node.Room.People));

        two.Go(ana);
        await house.SettleAsync();
        Assert.Equal([(true, ana.UserName), (false, ana.UserName)], house.Said().Words);
        Assert.All(house.Nodes, node => Assert.Equal(0, node.Room.People));
        Assert.Empty(house.Stored("here/"));
        Assert.Empty(house.Stored("said/"));
    }

    [Fact]
    public async Task Two_that_leave_two_nodes_at_once_say_leave_once()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 20);
        foreach (var account in house.Accounts)
        {
            house.Nodes.ForEach(node => node.Come(account));
        }

        await house.SettleAsync();
        await Task.WhenAll(house.Nodes.Select(node => Task.Run(() => house.Accounts.ForEach(account => node.Go(account)))));
        await house.SettleAsync();

        var words = house.Said().Words;
        Assert.Equal(house.Accounts.Select(account => account.UserName).Order(), words.Where(word => word.IsJoin).Select(word => word.User).Order());
        Assert.Equal(house.Accounts.Select(account => account.UserName).Order(), words.Where(word => !word.IsJoin).Select(word => word.User).Order());
    }

    [Fact]
    public async Task What_three_nodes_say_in_500_rounds_of_comings_and_goings_is_what_was_true()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 3, accounts: 8);
        Random random = new(20261201);
        for (var round = 0; round < 500; round++)
        {
            var seeds = house.Nodes.ConvertAll(_ => random.Next());
            await Task.WhenAll(house.Nodes.Select((node, i) => Task.Run(() => Wander(node, house.Accounts, new Random(seeds[i])))));
            house.Sweep();
            if (round % 10 == 9)
            {
                await house.SettleAsync();
                Check(house);
            }
        }

        // Who comes and goes over and over is said once in five seconds.
        for (var second = 0; second < 300; second++)
        {
            house.Sweep();
        }

        await house.SettleAsync();
        Check(house);
        var words = house.Said().Words;
        foreach (var account in house.Accounts)
        {
            var own = words.Where(word => word.User == account.UserName).Select(word => word.IsJoin).ToList();
            Assert.True(own.Count > 10, $"{own.Count}");
            Assert.Equal(own.Select((_, i) => i % 2 == 0), own);
            Assert.Equal(house.Nodes.Any(node => node.TabsOf(account) > 0), own[^1]);
        }
    }

    [Fact]
    public async Task Who_was_with_a_node_that_died_leaves_after_the_grace_time_and_who_came_back_does_not()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 3, accounts: 3);
        var (ana, bob, eve) = (house.Accounts[0], house.Accounts[1], house.Accounts[2]);
        var dead = house.Nodes[0];
        dead.Come(ana);
        dead.Come(bob);
        house.Nodes[1].Come(eve);
        await house.SettleAsync();
        house.Sweep();

        house.Kill(dead);
        house.Sweep();
        house.Nodes[1].Come(bob);
        for (var second = 0; second < RoomPresence.Grace.TotalSeconds - 1; second++)
        {
            house.Sweep();
        }

        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal(3, node.Room.People));
        Assert.All(house.Said().Words, word => Assert.True(word.IsJoin));

        house.Sweep();
        house.Sweep();
        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal(2, node.Room.People));
        Assert.Equal([(false, ana.UserName)], house.Said().Words.Where(word => !word.IsJoin));
        Assert.DoesNotContain(house.Stored("here/"), key => key.EndsWith(dead.Name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_who_has_the_duty_says_who_went_with_a_node()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 1);
        var dead = house.Nodes[0];
        dead.Come(house.Accounts[0]);
        await house.SettleAsync();
        house.Kill(dead);
        house.Nodes[0].HasDuties = false;
        for (var second = 0; second < 2 * RoomPresence.Grace.TotalSeconds; second++)
        {
            house.Sweep();
        }

        await house.SettleAsync();
        Assert.Single(house.Said().Words);
        house.Nodes[0].HasDuties = true;
        house.Sweep();
        await house.SettleAsync();
        Assert.Equal(2, house.Said().Words.Count);
    }

    [Fact]
    public async Task A_node_that_starts_knows_who_is_here_and_takes_nobody_away()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 2);
        house.Nodes[0].Come(house.Accounts[0]);
        house.Nodes[1].Come(house.Accounts[1]);
        await house.SettleAsync();

        var late = await house.AddAsync("late");
        Assert.Equal(2, late.Room.People);
        for (var second = 0; second < 2 * RoomPresence.GraceAfterRestart.TotalSeconds; second++)
        {
            house.Sweep();
        }

        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal(2, node.Room.People));
        Assert.All(house.Said().Words, word => Assert.True(word.IsJoin));
    }

    [Fact]
    public async Task The_first_node_of_a_house_that_was_ended_waits_a_minute_for_everybody()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 1, accounts: 2);
        house.Accounts.ForEach(account => house.Nodes[0].Come(account));
        await house.SettleAsync();
        house.Kill(house.Nodes[0]);

        var next = await house.AddAsync("next");
        next.Come(house.Accounts[0]);
        for (var second = 0; second < RoomPresence.GraceAfterRestart.TotalSeconds - 1; second++)
        {
            house.Sweep();
        }

        await house.SettleAsync();
        Assert.Equal(2, next.Room.People);
        house.Sweep();
        house.Sweep();
        await house.SettleAsync();
        Assert.Equal(1, next.Room.People);
        Assert.Equal([(false, house.Accounts[1].UserName)], house.Said().Words.Where(word => !word.IsJoin));
    }

    [Fact]
    public async Task Who_is_signed_out_is_not_waited_for_with_a_node_that_died()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 1);
        var (ana, dead) = (house.Accounts[0], house.Nodes[0]);
        dead.Come(ana);
        await house.SettleAsync();
        house.Kill(dead);
        house.Sweep();

        house.Nodes[0].Room.EndGrace(ana.Id);
        await house.SettleAsync();
        Assert.Equal([(true, ana.UserName), (false, ana.UserName)], house.Said().Words);
        Assert.Equal(0, house.Nodes[0].Room.People);
    }

    [Fact]
    public async Task A_node_that_is_taken_for_dead_says_that_it_is_there()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 1);
        var (ana, one, two) = (house.Accounts[0], house.Nodes[0], house.Nodes[1]);
        one.Come(ana);
        await house.SettleAsync();

        two.Here.Remove(two.Room, ana.Id, one.Name);
        await house.SettleAsync();
        Assert.Single(house.Stored("here/"));
        Assert.Equal(1, two.Room.People);
    }

    [Fact]
    public async Task A_room_is_full_of_those_whom_all_nodes_have()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 3, capacity: 2);
        var (one, two) = (house.Nodes[0], house.Nodes[1]);
        one.Come(house.Accounts[0]);
        two.Come(house.Accounts[1]);
        await house.SettleAsync();

        Assert.True(one.Room.IsFullFor(house.Accounts[2]));
        Assert.True(two.Room.IsFullFor(house.Accounts[2]));
        Assert.False(two.Room.IsFullFor(house.Accounts[0]));
        two.Come(house.Accounts[2]);
        house.Sweep();
        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal(2, node.Room.People));

        // Who waits on one node has the place that somebody leaves on another.
        one.Go(house.Accounts[0]);
        await house.SettleAsync();
        house.Sweep();
        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal([.. new[] { house.Accounts[1].Id, house.Accounts[2].Id }.Order()], node.People));
    }

    [Fact]
    public async Task Of_those_who_come_to_two_nodes_at_once_no_more_stay_than_the_room_is_for()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 20, capacity: 5);
        await Task.WhenAll(house.Nodes.Select((node, i) => Task.Run(() => house.Accounts.Where((_, number) => number % 2 == i).ToList().ForEach(account => node.Come(account)))));
        await house.SettleAsync();
        for (var second = 0; second < 2; second++)
        {
            house.Sweep();
            await house.SettleAsync();
        }

        Assert.All(house.Nodes, node => Assert.Equal(5, node.Room.People));
        Assert.Equal(house.Nodes[0].People, house.Nodes[1].People);

        // Who is here stays, and the others come in as places are free.
        house.Time.Advance(TimeSpan.FromSeconds(10));
        var here = house.Nodes[0].People.ToHashSet();
        var gone = house.Accounts.First(account => here.Contains(account.Id));
        house.Nodes.ForEach(node => node.Go(gone));
        for (var second = 0; second < 3; second++)
        {
            await house.SettleAsync();
            house.Sweep();
        }

        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal(5, node.Room.People));
        Assert.All(here.Where(id => id != gone.Id), id => Assert.Contains(id, house.Nodes[0].People));
    }

    [Fact]
    public async Task A_crowd_of_300_over_two_nodes_is_counted_once_and_named_in_few_events()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 300);
        for (var i = 0; i < 300; i++)
        {
            house.Nodes[i % 2].Come(house.Accounts[i]);
            if (i % 3 == 0)
            {
                house.Nodes[(i + 1) % 2].Come(house.Accounts[i]);
            }
        }

        for (var second = 0; second < 10; second++)
        {
            house.Sweep();
            await house.SettleAsync();
        }

        Assert.All(house.Nodes, node => Assert.Equal(300, node.Room.People));
        var (words, more) = house.Said();
        Assert.Equal(300, words.Count + more);
        Assert.Equal(words.Count, words.Distinct().Count());
        Assert.Equal(300, house.Stored("said/yard/").Count);

        foreach (var node in house.Nodes)
        {
            house.Accounts.ForEach(account => node.Go(account));
        }

        for (var second = 0; second < 10; second++)
        {
            house.Sweep();
            await house.SettleAsync();
        }

        (words, more) = house.Said();
        Assert.Equal(600, words.Count + more);
        Assert.Empty(house.Stored("said/"));
        Assert.Empty(house.Stored("here/"));
    }

    [Fact]
    public async Task What_is_written_of_who_is_here_goes_with_the_room()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 2);
        house.Nodes[0].Come(house.Accounts[0]);
        house.Nodes[1].Come(house.Accounts[1]);
        await house.SettleAsync();
        house.Nodes.ForEach(node => node.Room.Delete());

        await house.Nodes[0].Here.ForgetRoomAsync("yard");
        Assert.Empty(house.Stored("here/"));
        Assert.Empty(house.Stored("said/"));
    }

    private static void Wander(HouseNode node, List<Account> accounts, Random random)
    {
        for (var step = random.Next(6); step > 0; step--)
        {
            var account = accounts[random.Next(accounts.Count)];
            if (random.Next(3) == 0 && node.TabsOf(account) < 2)
            {
                node.Come(account);
            }
            else
            {
                node.Go(account);
            }
        }
    }

    private static void Check(SharedHouse house)
    {
        List<string> here = [.. house.Accounts.Where(account => house.Nodes.Any(node => node.TabsOf(account) > 0)).Select(account => account.Id).Order()];
        Assert.All(house.Nodes, node => Assert.Equal(here, node.People));
        List<string> stored = [.. house.Nodes.SelectMany(node => house.Accounts.Where(account => node.TabsOf(account) > 0).Select(account => $"here/yard/{account.Id}/{node.Name}")).Order()];
        Assert.Equal(stored, house.Stored("here/").Order());
    }
}
