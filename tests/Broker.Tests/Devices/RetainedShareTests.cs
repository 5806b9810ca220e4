using System.Net;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Wire;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Devices.RetainedDisk;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The rooms of one account take no more than a share of the memory of retained values from those of others.</summary>
public sealed class RetainedShareTests
{
    private static readonly string _large = new('x', 950_000);

    [Fact]
    public async Task Attack_64_Beyond_its_share_no_value_of_an_account_grows_and_others_do()
    {
        await using RetainedDisk disk = new(new BrokerLimits { RetainedMegabytes = 4 });
        Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, "hoarder", "rone", _large));

        Assert.Equal(RetainedOutcome.Full, await SetAsync(disk, "hoarder", "rtwo", _large));

        Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, "hoarder", "rone", _large));
        Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, "other", "rother", _large));

        // Who gives a room away has its share again, and who gets it has not.
        await OpenAsync(disk, "heir", "rone");
        Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, "hoarder", "rtwo", _large));
        Assert.Equal(RetainedOutcome.Full, await SetAsync(disk, "heir", "rthree", _large));
    }

    [Fact]
    public async Task Attack_64_Rooms_beyond_their_account_s_share_are_let_go_for_others_though_they_are_used()
    {
        await using var disk = await HoardedAsync();
        foreach (var other in (string[])["rone", "rtwo", "rthree"])
        {
            // The hoarder uses all that it has, all the time.
            foreach (var room in (string[])["hone", "htwo", "hthree", "hsmall"])
            {
                await disk.Rooms.Of(room).OpenAsync();
            }

            disk.Time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, $"owner of {other}", other, _large));
        }

        Assert.InRange(disk.Rooms.Memory.Of("hoarder").Now, 0, 1 << 20);
        Assert.InRange(disk.Rooms.Memory.Now, 0, 4 << 20);
    }

    [Fact]
    public async Task Attack_64_A_room_beyond_its_account_s_share_is_not_read_while_others_need_the_memory()
    {
        await using var disk = await HoardedAsync();
        foreach (var room in (string[])["htwo", "hthree", "hsmall"])
        {
            Assert.True(disk.Rooms.Of(room).TryLetGo());
        }

        foreach (var other in (string[])["rone", "rtwo", "rthree"])
        {
            Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, $"owner of {other}", other, _large[..800_000]));
        }

        // There is room for it, which is others'.
        Assert.False(await disk.Rooms.Of("hsmall").OpenAsync());
        Assert.Equal(RetainedOutcome.NotStored, await disk.Rooms.Of("hsmall").SetAsync(Message("b", "x")));

        // It has a place where the account needs that of its other room no more.
        disk.Time.Advance(RetainedMemory.KeptFor);
        Assert.True(await disk.Rooms.Of("hsmall").OpenAsync());
        Assert.False(disk.Rooms.Of("hone").IsOpen);
        Assert.All((string[])["rone", "rtwo", "rthree"], other => Assert.True(disk.Rooms.Of(other).IsOpen));
    }

    [Fact]
    public async Task Attack_64_A_value_for_which_there_is_no_memory_is_acknowledged_to_nobody()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:RetainedMegabytes", "1", "--WebMessenger:Limits:RetainedAccountPercent", "0");
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("a", _large));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await calls.PutAsync("b", _large[..200_000]));

        var payload = System.Text.Encoding.ASCII.GetBytes(_large[..200_000]);
        await using var five = await broker.ConnectAsync(talk.Mod, MqttVersion.V5, "five");
        Assert.Equal(ReasonCode.QuotaExceeded, (await five.PublishAsync("rooms/yard/data/b", payload, retain: true)).ReasonCode);
        await using var three = await broker.ConnectAsync(talk.Mod, MqttVersion.V311, "three");
        await three.SendPublishAsync("rooms/yard/data/b", payload, retain: true);
        await three.WaitForCloseAsync();
    }

    // Three rooms and a small one of one account, from before it had a share.
    private static async Task<RetainedDisk> HoardedAsync()
    {
        RetainedDisk disk = new(new BrokerLimits { RetainedMegabytes = 4, RetainedAccountPercent = 0 });
        foreach (var (room, payload) in new[] { ("hone", _large), ("htwo", _large), ("hthree", _large), ("hsmall", _large[..200_000]) })
        {
            Assert.Equal(RetainedOutcome.Stored, await SetAsync(disk, "hoarder", room, payload));
        }

        disk.Limits = new BrokerLimits { RetainedMegabytes = 4 };
        await disk.RestartAsync();
        foreach (var room in (string[])["hone", "htwo", "hthree", "hsmall"])
        {
            await OpenAsync(disk, "hoarder", room);
        }

        return disk;
    }

    private static ValueTask<IRetainedValues> OpenAsync(RetainedDisk disk, string owner, string room) => ((IRetainedRooms)disk.Rooms).OpenAsync(room, owner);

    private static async Task<RetainedOutcome> SetAsync(RetainedDisk disk, string owner, string room, string payload)
    {
        await OpenAsync(disk, owner, room);
        return await disk.Rooms.Of(room).SetAsync(Message("a", payload));
    }
}
