using System.Globalization;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What the server says of itself, below `$SYS`: to administrators, and of it two values inside a mount.</summary>
public sealed class ServerTopicsTests
{
    private const string Never = "WebMessenger:Mqtt:SysInterval=0";
    private const string Seldom = "WebMessenger:Mqtt:SysInterval=3600";

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task An_administrator_hears_what_there_is_at_once_with_the_flag_and_then_at_each_interval_without(string version)
    {
        // Ana registers first.
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        await using var client = await house.ConnectAsync(house.Ana, Enum.Parse<MqttVersion>(version));
        Assert.Equal([1], (await client.SubscribeAsync("$SYS/#")).ReasonCodes);

        var first = await AllAsync(client);
        Assert.All(first.Values, value => Assert.True(value is { Retain: true, Qos: 0 }));
        Assert.StartsWith("WebMessenger ", first["version"].Text, StringComparison.Ordinal);
        Assert.EndsWith(" seconds", first["uptime"].Text, StringComparison.Ordinal);
        Assert.Equal(("1", "0", "1"), (first["clients/connected"].Text, first["clients/disconnected"].Text, first["clients/total"].Text));
        Assert.Equal("1", first["subscriptions/count"].Text);
        Assert.Equal("0", first["retained messages/count"].Text);
        Assert.True(NumberOf(first["bytes/received"]) > 0 && NumberOf(first["messages/received"]) >= 2);
        Assert.DoesNotContain("load/messages/received/1min", first.Keys);

        await client.PublishAsync(Greenhouse.Data + "x", "1", retain: true);
        var topics = house.Broker.Get<ServerTopics>();
        Assert.True(topics.SayNow());
        var second = await AllAsync(client);
        Assert.All(second.Values, value => Assert.False(value.Retain));
        Assert.Equal("1", second["retained messages/count"].Text);
        Assert.All(
            ["bytes/received", "bytes/sent", "messages/received", "messages/sent"],
            name => Assert.True(NumberOf(second[name]) > NumberOf(first[name]), name));
        topics.SayNow();
        Assert.Contains("load/messages/received/1min", (await AllAsync(client)).Keys);
    }

    [Fact]
    public async Task What_was_counted_of_a_connection_stays_when_it_is_over()
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        var connections = house.Broker.Get<ConnectionDirectory>();
        await using (var bob = await house.ConnectAsync(house.Bob))
        {
            await bob.PublishAsync(Greenhouse.Data + "x", new string('x', 10_000));
        }

        Assert.True(SpinWait.SpinUntil(() => connections.Count == 0, RawMqttClient.Patience));
        var before = connections.Figures().Traffic;
        await using var again = await house.ConnectAsync(house.Ana);
        Assert.True(before.BytesIn > 10_000 && connections.Figures().Traffic.BytesIn > before.BytesIn);
    }

    [Theory]
    [InlineData("V5", 0x87)]
    [InlineData("V311", 0x80)]
    public async Task A_member_a_guest_and_a_limited_token_hear_nothing_of_the_server(string version, byte refused)
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        var speaks = Enum.Parse<MqttVersion>(version);
        await using var administrator = await house.ConnectAsync(house.Ana, speaks);
        Assert.Equal([1], (await administrator.SubscribeAsync("$SYS/broker/version")).ReasonCodes);

        await using var bob = await house.ConnectAsync(house.Bob, speaks);
        var gil = (await house.Broker.Get<Auth.SigningIn.Registration>().EnterAsGuestAsync("Gil", null)).Value!;
        await using var guest = await house.Broker.ConnectBrowserAsync(await house.Broker.SignInAsync(gil));
        var token = await house.Broker.TokenAsync(house.Ana.Account, ["greenhouse"]);
        await using var limited = await house.ConnectAsync(house.Ana, speaks, password: token);
        var noReader = await house.Broker.TokenAsync(house.Ana.Account, verbs: Verbs.Post | Verbs.Data);
        await using var blind = await house.ConnectAsync(house.Ana, speaks, password: noReader);
        foreach (var client in new[] { bob, guest, limited, blind })
        {
            // The guest's page speaks MQTT 5.
            byte[] codes = [client == guest ? (byte)0x87 : refused];
            Assert.Equal(codes, (await client.SubscribeAsync("$SYS/broker/version")).ReasonCodes);
            Assert.Equal(codes, (await client.SubscribeAsync("$SYS/#")).ReasonCodes);
        }
    }

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task Inside_a_mount_version_and_uptime_are_all_there_is_of_the_server_for_an_administrator_too(string version)
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        foreach (var member in new[] { house.Ana, house.Bob })
        {
            await using var inside = await house.ConnectMountedAsync(member, Enum.Parse<MqttVersion>(version));
            Assert.Equal([2], (await inside.SubscribeAsync([new Filter("$SYS/#", 2)])).ReasonCodes);
            Assert.Equal(["uptime", "version"], (await AllAsync(inside)).Keys.Order());
            Assert.True(house.Broker.Get<ServerTopics>().SayNow());
            Assert.Equal(["uptime", "version"], (await AllAsync(inside)).Keys.Order());
        }
    }

    [Fact]
    public async Task A_token_hears_of_the_server_what_its_topics_say()
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        await using var open = await house.ConnectMountedAsync(house.Ana, topics: new TopicScope(["x", "$SYS/broker/version"], []));
        await open.SubscribeAsync("$SYS/#");
        Assert.Equal(["version"], (await AllAsync(open)).Keys);
        await using var narrow = await house.ConnectMountedAsync(house.Ana, topics: new TopicScope(["x"], []));
        Assert.Equal([0x87], (await narrow.SubscribeAsync("$SYS/#")).ReasonCodes);
    }

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task Wildcards_at_the_first_level_bring_nothing_of_the_server(string version)
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        await using var inside = await house.ConnectMountedAsync(house.Ana, Enum.Parse<MqttVersion>(version));
        await inside.SubscribeAsync([new Filter("#"), new Filter("+/broker/version"), new Filter("+/#")]);
        await using var named = await house.ConnectMountedAsync(house.Bob);
        await named.SubscribeAsync("$SYS/+/version");
        Assert.Equal(["version"], (await AllAsync(named)).Keys);

        Assert.True(house.Broker.Get<ServerTopics>().SayNow());
        Assert.Equal(["version"], (await AllAsync(named)).Keys);
        await inside.PingAsync();
        Assert.Empty(inside.AlreadyHere());
    }

    [Fact]
    public async Task Nobody_says_what_the_server_says()
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        await using var administrator = await house.ConnectAsync(house.Ana);
        await using var inside = await house.ConnectMountedAsync(house.Ana);
        Assert.Equal(0, (await inside.PublishAsync("$SYS/broker/connection/b/state", "1", retain: true)).ReasonCode);
        foreach (var topic in new[] { "$SYS/broker/version", "$SYS/broker/uptime", "$SYS/x" })
        {
            Assert.Equal(0x87, (await inside.PublishAsync(topic, "mine", retain: true)).ReasonCode);
            Assert.True((await administrator.PublishAsync(topic, "mine")).ReasonCode >= 0x80);
        }
    }

    [Fact]
    public async Task When_nobody_listens_any_more_nothing_is_made()
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        var topics = house.Broker.Get<ServerTopics>();
        Assert.False(topics.SayNow());
        await using var client = await house.ConnectAsync(house.Ana);
        await using var device = await house.ConnectMountedAsync(house.Ana);
        await client.SubscribeAsync("$SYS/broker/uptime");
        await device.SubscribeAsync("$SYS/broker/uptime");
        Assert.True(topics.SayNow());
        await client.UnsubscribeAsync("$SYS/broker/uptime");
        Assert.True(topics.SayNow());
        await device.UnsubscribeAsync("$SYS/broker/uptime");
        Assert.False(topics.SayNow());

        await client.SubscribeAsync("$SYS/broker/uptime");
        Assert.True(topics.SayNow());
        await client.DisconnectAsync();
        Assert.True(SpinWait.SpinUntil(() => !topics.SayNow(), RawMqttClient.Patience));
    }

    [Fact]
    public async Task At_the_interval_it_comes_by_itself_and_with_0_never()
    {
        await using (var house = await Greenhouse.OpenAsync(settings: "WebMessenger:Mqtt:SysInterval=1"))
        {
            await using var client = await house.ConnectAsync(house.Ana);
            await client.SubscribeAsync("$SYS/broker/version");
            Assert.True((await client.NextPublishAsync()).Retain);
            Assert.False((await client.NextPublishAsync()).Retain);
        }

        await using var silent = await Greenhouse.OpenAsync(settings: Never);
        await using var none = await silent.ConnectAsync(silent.Ana);
        Assert.Equal([1], (await none.SubscribeAsync("$SYS/#")).ReasonCodes);
        await none.PingAsync();
        Assert.Empty(none.AlreadyHere());
    }

    [Fact]
    public async Task One_value_comes_once_with_the_ids_of_all_filters_and_the_flag_where_it_is_kept()
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        await using var client = await house.ConnectAsync(house.Ana);
        await client.SubscribeAsync([new Filter("$SYS/broker/version", 1, 32)], new MqttProperties { { PropertyId.SubscriptionIdentifier, 7 } });
        await client.SubscribeAsync([new Filter("$SYS/broker/+", 1, 8)], new MqttProperties { { PropertyId.SubscriptionIdentifier, 8 } });
        Assert.NotEmpty(await AllAsync(client));
        house.Broker.Get<ServerTopics>().SayNow();
        var version = (await AllAsync(client))["version"];
        Assert.True(version.Retain);
        Assert.Equal([7u, 8u], version.Properties.Where(property => property.Id == PropertyId.SubscriptionIdentifier).Select(property => (uint)property.Value).Order());
    }

    [Fact]
    public async Task What_is_said_to_who_does_not_read_is_dropped()
    {
        await using var house = await Greenhouse.OpenAsync(settings: Seldom);
        await using var client = await house.Broker.ConnectBrowserAsync(await house.Broker.SignInAsync(house.Ana.Account), receiveBuffer: 4096);
        await client.SubscribeAsync("$SYS/#");
        Assert.NotEmpty(await AllAsync(client));
        client.StopReading();
        var topics = house.Broker.Get<ServerTopics>();
        var its = house.Broker.Get<ConnectionDirectory>().OfAccount(house.Ana.Account.Id).Single();

        Assert.True(SpinWait.SpinUntil(() => topics.SayNow() && its.Writer.WaitingBytes > Writer.EventBytesLimit / 2, RawMqttClient.Patience));
        for (var i = 0; i < 2_000; i++)
        {
            topics.SayNow();
        }

        Assert.InRange(its.Writer.WaitingBytes, 1, Writer.EventBytesLimit * 2);
    }

    private static long NumberOf(ReceivedPublish value) => long.Parse(value.Text, CultureInfo.InvariantCulture);

    /// <summary>What has come, by its name below `$SYS/broker/`: each once.</summary>
    private static async Task<Dictionary<string, ReceivedPublish>> AllAsync(RawMqttClient client)
    {
        await client.PingAsync();
        return client.AlreadyHere().ToDictionary(value => value.Topic["$SYS/broker/".Length..]);
    }
}
