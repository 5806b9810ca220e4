using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Wire;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>A minute of what a device sends and is sent, without what it carries.</summary>
public sealed class DeviceTraceTests
{
    private const string Devices = "/api/rooms/greenhouse/devices";

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task A_trace_has_each_packet_both_ways_and_of_none_the_payload_or_the_password(string version)
    {
        await using var house = await Greenhouse.OpenAsync();
        using var page = await RoomDevicesTests.PageAsync(house.Broker, house.Ana);
        var token = await house.MountAsync(house.Bob, topics: new TopicScope(["set/#"], ["bed/#", "set/#"]));
        await using var there = await house.ConnectAsync(house.Bob, clientId: "there", password: token);
        var path = await PathAsync(page) + "/trace";
        await page.Get(path, HttpStatusCode.NotFound);
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, path);
        await there.PingAsync();

        await using var device = await house.ConnectAsync(house.Bob, Enum.Parse<MqttVersion>(version), "late", token);
        await device.SubscribeAsync([new Filter("set/+", 2), new Filter("secret/#")]);
        await device.PublishAsync("set/a", "PAYLOAD-OF-MINE", qos: 1, retain: true);
        var heard = await device.NextPublishAsync();
        Assert.Equal("PAYLOAD-OF-MINE", heard.Text);
        await device.PublishAsync("bed/x", "PAYLOAD-OF-MINE", 2);
        await device.PingAsync();
        await device.DisconnectAsync();
        await device.WaitForCloseAsync();

        var text = (await page.SendAsync(HttpMethod.Get, path)).Text;
        Assert.DoesNotContain("PAYLOAD", text, StringComparison.Ordinal);
        Assert.DoesNotContain(token, text, StringComparison.Ordinal);
        var all = JsonDocument.Parse(text).RootElement;
        Assert.False(all.GetProperty("over").GetBoolean());
        var packets = all.GetProperty("packets").EnumerateArray().ToList();
        Assert.Equal(["in PINGREQ", "out PINGRESP"], WordsOf(packets, "there"));
        var late = WordsOf(packets, "late").ToList();
        Assert.Equal(["in CONNECT", "out CONNACK 0", "in SUBSCRIBE set/+, secret/#"], late.Take(3));
        string[] expected =
        [
            "in CONNECT", "out CONNACK 0", "in SUBSCRIBE set/+, secret/#", $"out SUBACK 2 {(version == "V5" ? 135 : 128)}", "in PUBLISH set/a q1 retain",
            "out PUBACK", "out PUBLISH set/a q1", "in PUBACK", "in PUBLISH bed/x q2", "out PUBREC", "in PUBREL", "out PUBCOMP", "in PINGREQ", "out PINGRESP",
            "in DISCONNECT",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), late.Order(StringComparer.Ordinal));
        Assert.Equal(2 + 2 + 5 + (version == "V5" ? 1 : 0) + 2 + 15, packets.Single(packet => Words(packet) == "in PUBLISH set/a q1 retain").GetProperty("bytes").GetInt32());

        // Who has some of it asks for the others.
        var rest = (await page.Get($"{path}?after={packets.Count - 1}")).GetProperty("packets").EnumerateArray();
        Assert.Equal("in DISCONNECT", Words(Assert.Single(rest)));
        await page.Get(path + "?after=-1", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_publish_that_waits_for_the_rate_is_noted_once_and_a_malformed_packet_with_its_end()
    {
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartAsync(
            "--WebMessenger:Limits:DataPublishPerSecond", "20", "--WebMessenger:Limits:DataPublishBurst", "1"));
        using var page = await RoomDevicesTests.PageAsync(house.Broker, house.Ana);
        await using var device = await house.ConnectMountedAsync(house.Bob, clientId: "bed");
        var path = await PathAsync(page) + "/trace";
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, path);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => device.PublishAsync("bed/x", $"{i}")));
        await device.SendAsync(new byte[] { 0x36, 0x00 });
        await device.WaitForCloseAsync();

        var words = (await page.Get(path)).GetProperty("packets").EnumerateArray().Select(Words).ToList();
        Assert.Equal((10, 10), (words.Count(word => word == "in PUBLISH bed/x q1"), words.Count(word => word.StartsWith("out PUBACK", StringComparison.Ordinal))));
        Assert.Equal("out DISCONNECT 129", words[^1]);
    }

    [Fact]
    public async Task Attack_62_A_trace_ends_by_itself_and_is_forgotten()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(time)));
        using var page = await RoomDevicesTests.PageAsync(house.Broker, house.Ana);
        await using var device = await house.ConnectMountedAsync(house.Bob, clientId: "bed");
        var path = await PathAsync(page) + "/trace";
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, path);
        await device.PingAsync();
        Assert.Equal((2, false), await CountAsync());

        time.Advance(DeviceTrace.Length);
        await device.PingAsync();
        Assert.Equal((2, true), await CountAsync());

        time.Advance(DeviceTraces.KeptFor);
        house.Broker.Get<DeviceTraces>().Sweep();
        await page.Get(path, HttpStatusCode.NotFound);
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, path);
        await device.PingAsync();
        Assert.Equal((2, false), await CountAsync());

        async Task<(int, bool)> CountAsync()
        {
            var trace = await page.Get(path);
            return (trace.GetProperty("packets").GetArrayLength(), trace.GetProperty("over").GetBoolean());
        }
    }

    [Fact]
    public async Task Attack_62_A_trace_has_so_many_packets_and_counts_the_others()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DeviceTracePackets", "3");
        using var page = await RoomDevicesTests.PageAsync(house.Broker, house.Ana);
        await using var device = await house.ConnectMountedAsync(house.Bob, clientId: "bed");
        var path = await PathAsync(page) + "/trace";
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, path);

        for (var i = 0; i < 3; i++)
        {
            await device.PingAsync();
        }

        var trace = await page.Get(path);
        Assert.Equal((3, 3), (trace.GetProperty("packets").GetArrayLength(), trace.GetProperty("more").GetInt32()));
    }

    [Fact]
    public async Task Attack_67_Of_a_room_one_device_is_traced_at_a_time()
    {
        await using var house = await Greenhouse.OpenAsync();
        using var page = await RoomDevicesTests.PageAsync(house.Broker, house.Ana);
        await house.MountAsync(house.Bob);
        await house.MountAsync(house.Bob);
        var ids = (await page.Get(Devices)).GetProperty("devices").EnumerateArray().Select(one => RoomDevicesTests.Text(one, "id")).ToList();

        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Devices}/{ids[0]}/trace");
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Devices}/{ids[0]}/trace");
        var refused = await page.Expect(HttpStatusCode.Conflict, HttpMethod.Post, $"{Devices}/{ids[1]}/trace");
        Assert.Equal("trace_running", RoomDevicesTests.Text(refused, "code"));
    }

    [Fact]
    public void Attack_67_On_a_server_so_many_are_traced_and_those_that_ended_give_way()
    {
        FakeTimeProvider time = new();
        DeviceTraces traces = new(new BrokerLimits { DeviceTraces = 2 }, time);
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r1", "a", "by a", out _));
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r2", "b", "by b", out _));
        Assert.Equal(TraceBeginning.ServerIsBusy, traces.Begin("r3", "c", "by c", out _));
        Assert.Equal(TraceBeginning.RoomIsBusy, traces.Begin("r1", "d", "by d", out _));

        time.Advance(DeviceTrace.Length);
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r3", "c", "by c", out _));
        Assert.Equal(2, traces.Count);
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r4", "d", "by d", out _));
        Assert.Equal((2, true, true), (traces.Count, traces.Find("c") is not null, traces.Find("d") is not null));
    }

    [Fact]
    public void Attack_67_An_account_has_two_devices_traced_and_leaves_the_others_to_others()
    {
        FakeTimeProvider time = new();
        DeviceTraces traces = new(new BrokerLimits(), time);
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r1", "a", "mallory", out _));
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r2", "b", "mallory", out _));
        Assert.Equal(TraceBeginning.AccountIsBusy, traces.Begin("r3", "c", "mallory", out _));
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r1", "a", "mallory", out _));
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r4", "d", "victim", out _));

        time.Advance(DeviceTrace.Length);
        Assert.Equal(TraceBeginning.Runs, traces.Begin("r3", "c", "mallory", out _));
    }

    [Fact]
    public void What_is_noted_of_a_packet_is_cut_and_no_packet_is_too_strange()
    {
        var longTopic = new string('t', 5000);
        byte[] publish = [(byte)(longTopic.Length >> 8), (byte)longTopic.Length, .. System.Text.Encoding.ASCII.GetBytes(longTopic)];
        var read = Read(0x30, publish[..TracedPacket.HeadBytes]);
        Assert.Equal(TracedPacket.TopicLength + 1, read.Topic!.Length);

        Random random = new(1);
        for (var i = 0; i < 20_000; i++)
        {
            var body = new byte[random.Next(40)];
            random.NextBytes(body);
            var packet = Read((byte)random.Next(256), body);
            Assert.True((packet.Topic?.Length ?? 0) <= TracedPacket.TopicLength + 1 && (packet.Codes?.Length ?? 0) <= TracedPacket.MostCodes);
        }

        static TracedPacket Read(byte header, byte[] head) => TracedPacket.Read(default, "c", false, header, head, 2 + head.Length, isVersion5: true);
    }

    [Fact]
    public void The_rate_is_that_of_the_last_minute()
    {
        FakeTimeProvider time = new();
        DeviceWatch watch = new("bed", isVersion5: true, time);
        for (var second = 0; second < 240; second++)
        {
            Publish(watch, 5);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(watch.Rate, 4.9, 5.1);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.InRange(watch.Rate, 2.4, 2.6);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(0, watch.Rate);
        Publish(watch, 60);
        Assert.InRange(watch.Rate, 0.9, 1.1);

        static void Publish(DeviceWatch watch, int count)
        {
            for (var i = 0; i < count; i++)
            {
                watch.Received(new Frame(0x30, default, isPadded: false));
            }

            watch.Heard();
        }
    }

    private static async Task<string> PathAsync(Calls page) =>
        Devices + "/" + RoomDevicesTests.Text(Assert.Single((await page.Get(Devices)).GetProperty("devices").EnumerateArray()), "id");

    private static IEnumerable<string> WordsOf(IEnumerable<JsonElement> packets, string client) =>
        packets.Where(packet => RoomDevicesTests.Text(packet, "client") == client).Select(Words);

    private static string Words(JsonElement packet)
    {
        List<string> words = [RoomDevicesTests.Text(packet, "way")!, RoomDevicesTests.Text(packet, "packet")!];
        if (packet.TryGetProperty("topic", out var topic))
        {
            words.Add(topic.GetString()!);
        }

        if (packet.TryGetProperty("qos", out var qos))
        {
            words.Add($"q{qos.GetInt32()}");
            words.AddRange(packet.GetProperty("retain").GetBoolean() ? ["retain"] : []);
        }

        // PUBACK says 0 by a byte or by none.
        if (packet.TryGetProperty("codes", out var codes) && !(words[1].StartsWith("PUB", StringComparison.Ordinal) && codes[0].GetInt32() == 0))
        {
            words.AddRange(codes.EnumerateArray().Select(code => code.GetInt32().ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }

        return string.Join(' ', words);
    }
}
