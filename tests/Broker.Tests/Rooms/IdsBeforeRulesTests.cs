using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>An id is looked up first: what is stored already is acknowledged whatever rule holds by now.</summary>
public sealed class IdsBeforeRulesTests
{
    private static MqttProperties WithId(string id) => new() { { "id", id } };

    [Theory]
    [InlineData("TextLength", "4000", "3", 0x83)]
    [InlineData("PayloadBytes", "65536", "3", 0x97)]
    public async Task Fault_S31_What_is_stored_already_is_acknowledged_though_it_would_be_too_long_by_now(
        string limit, string before, string after, byte code)
    {
        string[] settings = ["--WebMessenger:Limits:" + limit, before];
        await using var broker = await RunningBroker.StartAsync(settings);
        var ana = await broker.RegisterAsync("ana");
        long seq;
        await using (var client = await broker.ConnectAsync(ana))
        {
            seq = (await client.PublishAsync("rooms/lobby", "hello", properties: WithId("1"))).Seq;
        }

        settings[1] = after;
        await broker.RestartAsync();
        await using var again = await broker.ConnectAsync(ana);

        Assert.Equal(seq, (await again.PublishAsync("rooms/lobby", "hello", properties: WithId("1"))).Seq);
        Assert.Equal(code, (await again.PublishAsync("rooms/lobby", "hello", properties: WithId("2"))).ReasonCode);
        Assert.Equal(code, (await again.PublishAsync("rooms/lobby", "hello")).ReasonCode);
    }

    [Fact]
    public async Task Fault_S31_A_whisper_that_is_stored_already_is_acknowledged_though_its_recipient_is_banned_by_now()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(ana);
        var whisper = await client.PublishAsync("users/bob", "hello", properties: WithId("1"));
        Assert.True((await broker.Get<AccountBans>().BanAsync("bob", null)).IsDone);

        Assert.Equal(whisper.Seq, (await client.PublishAsync("users/bob", "hello", properties: WithId("1"))).Seq);
        Assert.Equal(0x87, (await client.PublishAsync("users/bob", "hello", properties: WithId("2"))).ReasonCode);
        Assert.Equal(0x87, (await client.PublishAsync("users/bob", "hello")).ReasonCode);
    }

    [Fact]
    public async Task Fault_S31_What_is_stored_already_is_acknowledged_over_the_quota_and_on_a_disk_that_is_nearly_full()
    {
        var free = 10L << 30;
        DiskSpace space = new(() => new DiskRoom(Interlocked.Read(ref free), 20L << 30), new BrokerLimits());
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(space), "--WebMessenger:Limits:StoredBytesPerDayPerAccount", "400");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        var first = await client.PublishAsync("rooms/lobby", "hello", properties: WithId("1"));
        Assert.True(first.Accepted);
        Assert.Equal(
            "quota", (await client.PublishAsync("rooms/lobby", new string('a', 400), properties: WithId("2"))).Properties.User("code"));

        Assert.Equal(first.Seq, (await client.PublishAsync("rooms/lobby", "hello", properties: WithId("1"))).Seq);
        Interlocked.Exchange(ref free, 1);
        space.Look();
        Assert.Equal("busy", (await client.PublishAsync("rooms/lobby", "b", properties: WithId("3"))).Properties.User("code"));
        Assert.Equal(first.Seq, (await client.PublishAsync("rooms/lobby", "hello", properties: WithId("1"))).Seq);
    }

    [Fact]
    public async Task Fault_S7_What_waits_for_its_rate_does_not_bring_back_who_is_taken_off_a_public_room()
    {
        FakeTimeProvider time = new();
        PublishBudgets budgets = new(new BrokerLimits { PublishPerSecond = 1, PublishBurst = 2 }, time);
        await using var broker = await RunningBroker.StartWithAsync(services => services.AddSingleton(budgets));
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        for (ushort id = 1; id <= 4; id++)
        {
            await client.SendPublishAsync("rooms/lobby", "said before"u8.ToArray(), 1, packetId: id);
        }

        Assert.True(PubAck.Decode(await client.NextAsync(PacketType.PubAck, 2)).Accepted);
        await client.PingAsync();

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("lobby"), ana.Account);
        var head = broker.Room("lobby").Head;
        time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(0x87, PubAck.Decode(await client.NextAsync(PacketType.PubAck, 3)).ReasonCode);
        Assert.Equal(0x87, PubAck.Decode(await client.NextAsync(PacketType.PubAck, 4)).ReasonCode);
        Assert.Equal(head, broker.Room("lobby").Head);

        // What it says from here on is a new coming.
        Assert.True((await client.PublishAsync("rooms/lobby", "said after")).Accepted);
    }
}
