using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Clients of an account that share what one filter brings (`$share`).</summary>
public sealed class DataGroupTests
{
    private const string Shared = "$share/g/" + Greenhouse.Data + "#";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Each_publish_goes_to_one_of_the_group_and_to_all_others(byte qos)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Greenhouse.Data + "x", "retained", retain: true);
        await using var all = await house.ListenAsync(house.Bob, options: 32);
        await using var one = await ShareAsync(house, house.Bob, qos);
        await using var two = await ShareAsync(house, house.Bob, qos);
        for (var i = 0; i < 40; i++)
        {
            await device.PublishAsync(Greenhouse.Data + "x", $"{i}", 2);
            Assert.Equal($"{i}", (await all.NextPublishAsync()).Text);
        }

        await one.PingAsync();
        await two.PingAsync();
        string[] ones = [.. one.AlreadyHere().Select(publish => publish.Text)], twos = [.. two.AlreadyHere().Select(publish => publish.Text)];
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i}").Order(), ones.Concat(twos).Order());
        Assert.InRange(ones.Length, 1, 39);
    }

    [Fact]
    public async Task What_a_gone_member_had_and_did_not_acknowledge_goes_to_another_first()
    {
        const byte qos = 1;
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        var one = await ShareAsync(house, house.Bob, qos);
        one.AcknowledgesItself = false;
        await device.PublishAsync(Greenhouse.Data + "x", "1", 2);
        Assert.Equal("1", (await one.NextPublishAsync()).Text);
        await using var two = await ShareAsync(house, house.Bob, qos);
        await device.PublishAsync(Greenhouse.Data + "x", "2", 2);
        Assert.Equal("2", (await two.NextPublishAsync()).Text);

        one.Abort();

        Assert.Equal("1", (await two.NextPublishAsync()).Text);
        await device.PublishAsync(Greenhouse.Data + "x", "3", 2);
        Assert.Equal("3", (await two.NextPublishAsync()).Text);
        await one.DisposeAsync();
    }

    [Fact]
    public async Task What_a_gone_member_may_have_at_QoS_2_goes_to_no_other()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        var one = await ShareAsync(house, house.Bob, 2);
        one.AcknowledgesItself = false;
        await device.PublishAsync(Greenhouse.Data + "x", "1", 2);
        Assert.Equal("1", (await one.NextPublishAsync()).Text);
        await using var two = await ShareAsync(house, house.Bob, 2);

        one.Abort();
        var connections = house.Broker.Get<ConnectionDirectory>();
        await HandshakeTests.UntilAsync(() => connections.OfAccount(house.Bob.Account.Id).Length == 1);
        await device.PublishAsync(Greenhouse.Data + "x", "2", 2);

        Assert.Equal("2", (await two.NextPublishAsync()).Text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Attack_80_What_the_token_of_a_member_may_not_hear_goes_to_another_one(byte qos)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectMountedAsync(house.Ana);
        await using var narrow = await house.ConnectMountedAsync(house.Ana, topics: new TopicScope(["mine/#"], []));
        await using var wide = await house.ConnectMountedAsync(house.Ana);
        foreach (var client in new[] { narrow, wide })
        {
            Assert.Equal([qos], (await client.SubscribeAsync("$share/g/#", qos)).ReasonCodes);
        }

        for (var i = 0; i < 4; i++)
        {
            await device.PublishAsync("others", $"{i}", 2);
            Assert.Equal($"{i}", (await wide.NextPublishAsync()).Text);
        }

        await narrow.PingAsync();
        Assert.Empty(narrow.AlreadyHere());
    }

    [Fact]
    public async Task It_goes_to_who_has_the_fewest_unacknowledged()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var slow = await ShareAsync(house, house.Bob, 1);
        slow.AcknowledgesItself = false;
        await device.PublishAsync(Greenhouse.Data + "x", "stuck");
        Assert.Equal("stuck", (await slow.NextPublishAsync()).Text);
        await using var quick = await ShareAsync(house, house.Bob, 1);
        for (var i = 0; i < 10; i++)
        {
            await device.PublishAsync(Greenhouse.Data + "x", $"{i}");
            Assert.Equal($"{i}", (await quick.NextPublishAsync()).Text);
            await quick.PingAsync();
        }

        await slow.PingAsync();
        Assert.Empty(slow.AlreadyHere());
    }

    [Fact]
    public async Task Attack_78_A_group_is_its_accounts()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var anas = await ShareAsync(house, house.Ana, 1);
        await using var bobs = await ShareAsync(house, house.Bob, 1);
        for (var i = 0; i < 5; i++)
        {
            await device.PublishAsync(Greenhouse.Data + "x", $"{i}");
            Assert.Equal(($"{i}", $"{i}"), ((await anas.NextPublishAsync()).Text, (await bobs.NextPublishAsync()).Text));
        }

        Assert.Equal([0], (await bobs.UnsubscribeAsync(Shared)).ReasonCodes);
        await device.PublishAsync(Greenhouse.Data + "x", "anas");
        Assert.Equal("anas", (await anas.NextPublishAsync()).Text);
        await bobs.PingAsync();
        Assert.Empty(bobs.AlreadyHere());
    }

    [Fact]
    public async Task Two_filters_of_one_group_are_one_place_that_stays_while_one_of_them_is_held()
    {
        const string every = "$share/g/rooms/+/data/#";
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var bob = await ShareAsync(house, house.Bob, 1);
        Assert.Equal([2], (await bob.SubscribeAsync(every, 2)).ReasonCodes);
        await device.PublishAsync(Greenhouse.Data + "x", "both", 2);
        var publish = await bob.NextPublishAsync();
        Assert.Equal(("both", 2), (publish.Text, publish.Qos));

        Assert.Equal([0], (await bob.UnsubscribeAsync(every)).ReasonCodes);
        await device.PublishAsync(Greenhouse.Data + "x", "one", 2);
        publish = await bob.NextPublishAsync();
        Assert.Equal(("one", 1), (publish.Text, publish.Qos));
        Assert.Equal([0], (await bob.UnsubscribeAsync(Shared)).ReasonCodes);
        await device.PublishAsync(Greenhouse.Data + "x", "none", 2);
        await bob.PingAsync();
        Assert.Empty(bob.AlreadyHere());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_the_only_members_token_may_not_hear_counts_as_heard(byte qos)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectMountedAsync(house.Ana);
        await using var narrow = await house.ConnectMountedAsync(house.Ana, topics: new TopicScope(["mine/#"], []));
        Assert.Equal([qos], (await narrow.SubscribeAsync("$share/g/#", qos)).ReasonCodes);
        for (var i = 0; i < 3; i++)
        {
            await device.PublishAsync("others", "not for it", 2);
            await device.PublishAsync("mine/x", $"{i}", 2);
            Assert.Equal($"{i}", (await narrow.NextPublishAsync()).Text);
        }

        // And is not dealt to who comes later.
        await using var wide = await house.ConnectMountedAsync(house.Ana);
        Assert.Equal([qos], (await wide.SubscribeAsync("$share/g/#", qos)).ReasonCodes);
        await device.PublishAsync("others", "since", 2);
        Assert.Equal("since", (await wide.NextPublishAsync()).Text);
    }

    private static async Task<RawMqttClient> ShareAsync(Greenhouse house, Member member, byte qos)
    {
        var client = await house.ConnectAsync(member);
        Assert.Equal([qos], (await client.SubscribeAsync(Shared, qos)).ReasonCodes);
        return client;
    }
}
