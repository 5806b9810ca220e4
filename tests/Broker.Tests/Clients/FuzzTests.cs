using System.Globalization;
using WebMessenger.Broker.Tests.Host;
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
        List<(string User, string Secret)> accounts = [];
        foreach (var name in new[] { "mallory", "mia", "moe" })
        {
            accounts.Add((name, (await broker.RegisterAsync(name)).Token));
        }

        await using var honest = await broker.ConnectAsync(await broker.RegisterAsync("honest"), clientId: "honest");
        await honest.SubscribeAsync("users/honest");
        Fuzzer fuzzer = new(broker.Mqtt, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, broker.Http.Port), accounts, Seed);

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
}
