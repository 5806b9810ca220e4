using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Devices;

/// <summary>mosquitto_sub looks at `$SYS` here as at any broker.</summary>
public sealed class ServerTopicsTests
{
    [Fact]
    public async Task Mosquitto_sub_shows_an_administrator_how_the_server_is_and_a_device_its_uptime()
    {
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:Mqtt:SysInterval=1"]);
        using var ana = await Person.RegisterAsync(server);
        await using var monitor = Mosquitto.Subscribe(server, ana, await ana.NewTokenAsync(), ["-t", "$SYS/#", "-v"]);
        foreach (var name in new[] { "version WebMessenger ", "clients/connected 1", "bytes/sent ", "retained messages/count 0", "load/bytes/received/1min " })
        {
            await monitor.LineAsync(line => line.StartsWith("$SYS/broker/" + name, StringComparison.Ordinal));
        }

        await using var device = Mosquitto.Subscribe(
            server, ana, await ana.NewMountAsync(await ana.NewRoomAsync()), ["-t", "#", "-t", "$SYS/#", "-F", "%r %t %p"]);
        await device.LineAsync(line => line.StartsWith("1 $SYS/broker/uptime ", StringComparison.Ordinal));
        var live = await device.LineAsync(line => line.StartsWith("0 ", StringComparison.Ordinal));
        Assert.Matches("^0 \\$SYS/broker/(version WebMessenger |uptime [0-9]+ seconds)", live);
    }
}
