using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>Packets that cost a client nothing and bring nobody anything, and what was sent before its author was put out.</summary>
public sealed class IdlePacketsTests
{
    private const int AtOnce = 20;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_S2_Who_pings_or_releases_nothing_without_end_is_read_on_at_a_rate(bool releases)
    {
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(_time), "--WebMessenger:Limits:IdlePacketsPerSecond", "2");
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var honest = await broker.ConnectAsync(bob);
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await client.ConnectAsync("ana", ana.Token, keepAlive: 0);
        byte[] idle = releases ? [0x62, 2, 0, 9] : [0xC0, 0];
        var (answer, id) = releases ? (PacketType.PubComp, (ushort)9) : (PacketType.PingResp, (ushort)0);
        await client.SendAsync(Enumerable.Repeat(idle, AtOnce + 2).SelectMany(packet => packet).ToArray());

        // The one that is over is dealt with, and what is behind it waits.
        for (var i = 0; i <= AtOnce; i++)
        {
            await client.NextAsync(answer, id);
        }

        var last = client.NextAsync(answer, id);
        Assert.True((await honest.PublishAsync("rooms/lobby", "I am heard")).Accepted);
        Assert.False(last.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await last;
    }

    [Fact]
    public async Task Fault_S31_What_is_read_after_its_author_was_taken_off_a_public_room_brings_nobody_back_for_a_minute()
    {
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(_time));
        var ana = await broker.RegisterAsync("ana");
        var (lobby, members) = (broker.Room("lobby"), broker.Get<RoomMembers>());
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("rooms/lobby", "one")).Accepted);
        await members.LeaveAsync(lobby, ana.Account);

        Assert.False((await client.PublishAsync("rooms/lobby", "two")).Accepted);
        Assert.False(lobby.IsMember(ana.Account.Id));
        Assert.Equal([1], (await client.SubscribeAsync("rooms/lobby")).ReasonCodes);
        Assert.True((await client.PublishAsync("rooms/lobby", "three")).Accepted);

        await members.LeaveAsync(lobby, ana.Account);
        Assert.False((await client.PublishAsync("rooms/lobby", "four")).Accepted);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True((await client.PublishAsync("rooms/lobby", "five")).Accepted);
    }
}
