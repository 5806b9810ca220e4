using System.Text;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What is said on `rooms/{room}/data/…` is plain MQTT, live.</summary>
public sealed class DataTopicTests
{
    private const byte NoLocal = 4, RetainAsPublished = 8, IfNew = 16, NeverRetained = 32;

    [Theory]
    [InlineData("V5", 0)]
    [InlineData("V5", 1)]
    [InlineData("V5", 2)]
    [InlineData("V311", 0)]
    [InlineData("V311", 1)]
    [InlineData("V311", 2)]
    public async Task Any_bytes_come_at_the_QoS_of_both_without_user_properties_of_ours(string version, byte qos)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Bob, version: Enum.Parse<MqttVersion>(version));
        await using var lower = await house.ListenAsync(house.Bob, qos: 0);
        await using var device = await house.ConnectAsync(house.Ana, Enum.Parse<MqttVersion>(version));
        byte[] payload = [0, 255, 1, 0xED, 0xA0, 0x80];
        foreach (var name in (string[])["temp", "/a", "a//b", "a b/ünï/🌡", "$SYS/broker/connection/b/state"])
        {
            if (qos == 0)
            {
                await device.SendPublishAsync(Greenhouse.Data + name, payload);
            }
            else
            {
                var answer = await device.PublishAsync(Greenhouse.Data + name, payload, qos);
                Assert.Equal(0, answer.ReasonCode);
                Assert.Empty(answer.Properties);
            }

            var heard = await listener.NextPublishAsync();
            Assert.Equal((Greenhouse.Data + name, qos, false, false), (heard.Topic, heard.Qos, heard.Retain, heard.Duplicate));
            Assert.Equal(payload, heard.Payload);
            Assert.Equal(0, (await lower.NextPublishAsync()).Qos);
        }
    }

    [Fact]
    public async Task Properties_pass_through_byte_for_byte_and_the_expiry_is_counted_down()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Bob);
        await using var device = await house.ConnectAsync(house.Ana);
        static MqttProperties Said() => new()
        {
            { "b", "2" }, { PropertyId.ResponseTopic, "any/topic" }, { PropertyId.CorrelationData, new byte[] { 0, 1, 255 } }, { "a", "1" }, { "b", "2" },
            { PropertyId.ContentType, "text/plain" }, { PropertyId.PayloadFormat, 1 },
        };
        var (said, sent) = (Said(), Said());
        sent.Add(PropertyId.TopicAlias, 3);
        sent.Add(PropertyId.MessageExpiry, 100);

        await device.PublishAsync(Greenhouse.Data + "x", "1", 1, properties: sent);

        var heard = await listener.NextPublishAsync();
        Assert.InRange(heard.Properties.Number(PropertyId.MessageExpiry)!.Value, 90u, 100u);
        Assert.Equal(
            said.Select(property => $"{property.Id} {Shown(property.Value)}"),
            heard.Properties.Where(property => property.Id != PropertyId.MessageExpiry).Select(property => $"{property.Id} {Shown(property.Value)}"));

        await device.PublishAsync("", "2", 1, properties: new() { { PropertyId.TopicAlias, 3 } });
        heard = await listener.NextPublishAsync();
        Assert.Equal((Greenhouse.Data + "x", "2", 0), (heard.Topic, heard.Text, heard.Properties.Count()));
    }

    [Fact]
    public async Task What_is_retained_comes_to_who_subscribes_and_an_empty_one_clears_and_is_heard()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var live = await house.ListenAsync(house.Bob);
        await device.PublishAsync(Greenhouse.Data + "a/temp", "21", retain: true);
        await device.PublishAsync(Greenhouse.Data + "a/hum", "40", qos: 2, retain: true);
        Assert.Equal([("21", false), ("40", false)], [Of(await live.NextPublishAsync()), Of(await live.NextPublishAsync())]);

        await using var late = await house.ListenAsync(house.Bob, "a/+", qos: 1);
        var retained = new[] { await late.NextPublishAsync(), await late.NextPublishAsync() };
        Assert.Equal([("21", true), ("40", true)], retained.Select(Of).Order());
        Assert.All(retained, publish => Assert.Equal(1, publish.Qos));

        await device.PublishAsync(Greenhouse.Data + "a/temp", "", retain: true);
        Assert.Equal(("", false), Of(await live.NextPublishAsync()));
        Assert.Equal(("", false), Of(await late.NextPublishAsync()));
        await using var later = await house.ListenAsync(house.Bob, "a/+");
        Assert.Equal(("40", true), Of(await later.NextPublishAsync()));
        await device.PublishAsync(Greenhouse.Data + "a/marker", "m");
        Assert.Equal(("m", false), Of(await later.NextPublishAsync()));
    }

    [Fact]
    public async Task Subscription_options_are_honoured()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Greenhouse.Data + "v", "old", retain: true);
        await using var never = await house.ListenAsync(house.Bob, options: NeverRetained | RetainAsPublished);
        await using var once = await house.ListenAsync(house.Bob, options: IfNew);
        Assert.Equal(("old", true), Of(await once.NextPublishAsync()));
        await once.SubscribeAsync([new Filter(Greenhouse.Data + "#", 2, IfNew)]);
        Assert.Equal([2], (await device.SubscribeAsync([new Filter(Greenhouse.Data + "#", 2, NoLocal | NeverRetained)])).ReasonCodes);

        await device.PublishAsync(Greenhouse.Data + "v", "new", retain: true);
        Assert.Equal(("new", true), Of(await never.NextPublishAsync()));
        Assert.Equal(("new", false), Of(await once.NextPublishAsync()));
        await using var other = await house.ConnectAsync(house.Ana);
        await other.PublishAsync(Greenhouse.Data + "v", "another's");
        Assert.Equal("another's", (await device.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Filters_that_overlap_make_one_delivery_at_the_highest_QoS_with_all_ids()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var listener = await house.ConnectAsync(house.Bob);
        await listener.SubscribeAsync(Greenhouse.Data + "#", 0, new() { { PropertyId.SubscriptionIdentifier, 1 } });
        await listener.SubscribeAsync(Greenhouse.Data + "a/+", 2, new() { { PropertyId.SubscriptionIdentifier, 268_435_455 } });
        await listener.SubscribeAsync("rooms/+/data/a/#", 1);

        await device.PublishAsync(Greenhouse.Data + "a/b", "1", 2);
        await device.PublishAsync(Greenhouse.Data + "b", "2", 2);

        var heard = await listener.NextPublishAsync();
        Assert.Equal(("1", 2), (heard.Text, heard.Qos));
        Assert.Equal([1u, 268_435_455u], Ids(heard).Order());
        heard = await listener.NextPublishAsync();
        Assert.Equal(("2", 0), (heard.Text, heard.Qos));
        Assert.Equal([1u], Ids(heard));
    }

    [Fact]
    public async Task An_UNSUBSCRIBE_ends_it_and_wildcards_of_talk_bring_no_data_nor_make_data_filters_anybody_present()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var listener = await house.ListenAsync(house.Bob);
        Assert.Equal(0, house.Room.People);
        await using var talk = await house.ConnectAsync(house.Bob);
        Assert.Equal([1, 1], (await talk.SubscribeAsync([new Filter("rooms/greenhouse/#"), new Filter("rooms/#")])).ReasonCodes);

        await device.PublishAsync(Greenhouse.Data + "x", "1");
        Assert.Equal("1", (await listener.NextPublishAsync()).Text);
        Assert.Equal([0], (await listener.UnsubscribeAsync(Greenhouse.Data + "#")).ReasonCodes);
        await device.PublishAsync(Greenhouse.Data + "x", "2");
        await device.PublishAsync("rooms/greenhouse", "hello");

        Assert.DoesNotContain(
            await talk.PublishesUntilAsync(publish => publish.Text.Contains("hello", StringComparison.Ordinal)),
            publish => publish.Topic.Contains("/data/", StringComparison.Ordinal));
        await listener.PingAsync();
        Assert.Empty(listener.AlreadyHere());
    }

    [Theory]
    [InlineData("a/#/b", 0)]
    [InlineData("", 0x90)]
    [InlineData("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33", 0x90)]
    public async Task Attack_12_13_43_A_topic_or_filter_outside_the_bounds_is_refused_and_the_connection_stays(string below, byte code)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        Assert.Equal(0, (await device.PublishAsync(Greenhouse.Data + "x", "1")).ReasonCode);
        if (code != 0)
        {
            Assert.Equal(code, (await device.PublishAsync(Greenhouse.Data + below, "1")).ReasonCode);
            Assert.Equal([0x8F], (await device.SubscribeAsync(Greenhouse.Data + below)).ReasonCodes);
            Assert.Equal(0x90, (await device.PublishAsync(Greenhouse.Data + new string('x', 513), "1")).ReasonCode);
            Assert.Equal(0, (await device.PublishAsync(Greenhouse.Data + new string('x', 512), "1")).ReasonCode);
            return;
        }

        await device.SendPublishAsync(Greenhouse.Data + below, "1"u8.ToArray(), 1, packetId: 9);
        Assert.Equal((byte)0x82, (await device.WaitForCloseAsync()).Disconnect);
    }

    [Fact]
    public async Task Attack_15_QoS_2_sent_again_under_its_packet_id_is_said_once()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Bob);
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 3; i++)
        {
            await device.SendPublishAsync(Greenhouse.Data + "x", "once"u8.ToArray(), 2, packetId: 7, duplicate: i > 0);
            await device.NextAsync(PacketType.PubRec, 7);
        }

        await device.SendAsync(ClientPackets.PubRel(7));
        await device.NextAsync(PacketType.PubComp, 7);
        await device.PublishAsync(Greenhouse.Data + "x", "then", 2);

        Assert.Equal(["once", "then"], [(await listener.NextPublishAsync()).Text, (await listener.NextPublishAsync()).Text]);
    }

    [Fact]
    public async Task Order_is_kept_and_all_hear_the_same_order()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var one = await house.ListenAsync(house.Bob);
        await using var other = await house.ListenAsync(house.Ana);
        await using var first = await house.ConnectAsync(house.Ana);
        await using var second = await house.ConnectAsync(house.Bob);
        await Task.WhenAll(SayAsync(first, "f"), SayAsync(second, "s"));

        List<string> heard = [], alike = [];
        for (var i = 0; i < 400; i++)
        {
            heard.Add((await one.NextPublishAsync()).Text);
            alike.Add((await other.NextPublishAsync()).Text);
        }

        Assert.Equal(heard, alike);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"f{i}"), heard.Where(text => text[0] == 'f'));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"s{i}"), heard.Where(text => text[0] == 's'));

        static async Task SayAsync(RawMqttClient client, string who)
        {
            for (var i = 0; i < 200; i++)
            {
                await client.SendPublishAsync(Greenhouse.Data + "x", Encoding.UTF8.GetBytes(who + i), (byte)(i % 2 + 1), packetId: (ushort)(i + 1));
                if (i % 2 == 1)
                {
                    await client.NextAsync(PacketType.PubRec, (ushort)(i + 1));
                    await client.SendAsync(ClientPackets.PubRel((ushort)(i + 1)));
                }
            }
        }
    }

    private static (string Text, bool Retain) Of(ReceivedPublish publish) => (publish.Text, publish.Retain);

    private static IEnumerable<uint> Ids(ReceivedPublish publish) =>
        publish.Properties.Where(property => property.Id == PropertyId.SubscriptionIdentifier).Select(property => (uint)property.Value);

    private static string Shown(object value) => value is byte[] bytes ? Convert.ToHexString(bytes) : $"{value}";
}
