using System.Globalization;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Load.Fuzz;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

public sealed class FuzzTests
{
    /// <summary>Kept, so that what is red once is red again; the command `fuzz` of tests/Load takes any other.</summary>
    private const int Seed = 20261123;

    [Fact]
    public async Task Attack_18_A_hundred_thousand_packets_of_hostile_conversations_leave_no_connection()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}");
        await using var broker = await RunningBroker.StartAsync();
        List<FuzzLogin> logins = [];
        foreach (var name in new[] { "mallory", "mia", "moe" })
        {
            logins.Add(new FuzzLogin(name, (await broker.RegisterAsync(name)).Token, FuzzWords.Talk));
        }

        await using var honest = await broker.ConnectAsync(await broker.RegisterAsync("honest"), clientId: "honest");
        await honest.SubscribeAsync("users/honest");
        Fuzzer fuzzer = new(broker.Mqtt, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, broker.Http.Port), logins, Seed);

        var fuzzing = fuzzer.RunAsync(100_000, TestContext.Current.CancellationToken);
        var said = 0;
        while (!fuzzing.IsCompleted)
        {
            Assert.True((await honest.PublishAsync("users/honest", string.Create(CultureInfo.InvariantCulture, $"{said}"))).Accepted);
            Assert.Equal($"{said++}", (await honest.NextPublishAsync()).Json.Text());
        }

        await fuzzing;
        Assert.True(fuzzer.Packets >= 100_000);
        Assert.Equal(0, fuzzer.Hung);
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);
        await honest.PingAsync();
    }

    [Fact]
    public async Task Attack_18_A_hundred_thousand_packets_through_mounts_leave_no_connection_and_another_room_as_it_was()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}");
        await using var house = await Greenhouse.OpenAsync();
        using (var anas = Calls.As(house.Broker, house.Ana))
        {
            await anas.MakeRoom("quiet");
        }

        List<FuzzLogin> logins = [];
        foreach (var member in new[] { house.Ana, house.Bob })
        {
            logins.Add(new FuzzLogin(member.Account.UserName, await house.MountAsync(member), FuzzWords.Data));
        }

        await using var honest = await house.ConnectAsync(house.Ana, password: await house.MountAsync(house.Ana, "quiet"));
        await honest.SubscribeAsync("#");
        Fuzzer fuzzer = new(house.Broker.Mqtt, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, house.Broker.Http.Port), logins, Seed);

        var fuzzing = fuzzer.RunAsync(100_000, TestContext.Current.CancellationToken);
        var said = 0;
        while (!fuzzing.IsCompleted)
        {
            Assert.True((await honest.PublishAsync("still", string.Create(CultureInfo.InvariantCulture, $"{said}"), retain: true)).Accepted);
            var heard = await honest.NextPublishAsync();
            Assert.Equal(("still", $"{said++}"), (heard.Topic, heard.Text));
        }

        await fuzzing;
        Assert.True(fuzzer.Packets >= 100_000);
        Assert.Equal(0, fuzzer.Hung);
        await HandshakeTests.UntilAsync(() => house.Broker.Get<ConnectionDirectory>().Count == 1);
        Assert.Empty(honest.AlreadyHere());

        // Behind the first that ends a connection nothing is read.
        var read = house.Broker.Get<ConnectionDirectory>().Figures().Traffic.PacketsIn - (2 * said);
        TestContext.Current.TestOutputHelper?.WriteLine($"read {read}");
        Assert.True(read >= 20_000);
        await honest.PingAsync();
    }
}
