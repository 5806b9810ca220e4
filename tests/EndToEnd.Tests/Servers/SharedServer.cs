using WebMessenger.EndToEnd.Tests.Servers;

// One machine carries a server, a browser and a thousand clients:
// test.sh runs the tests of the page and all others beside each other, and no more.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(SharedServer))]

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>
/// One server for all tests that do not stop it or need settings of their own. Its limits on one address and on haste are off.
/// </summary>
public sealed class SharedServer : IAsyncLifetime
{
    private ServerProcess? _server;

    internal static string[] NoLimits { get; } =
    [
        "WebMessenger:Limits:SignInsPerMinutePerAddress=0",
        "WebMessenger:Limits:GuestsPerMinutePerAddress=0",
        "WebMessenger:Limits:RegistrationsPerHourPerAddress=0",
        "WebMessenger:Limits:ConnectsPerSecondPerAddress=0",
        "WebMessenger:Limits:ConnectionsPerAddress=0",
        "WebMessenger:Limits:SocketsPerAddress=0",
        "WebMessenger:Limits:SocketsPerSecondPerAddress=0",
        "WebMessenger:Limits:RequestsPerSecond=0",
        "WebMessenger:Limits:RequestsPerSecondPerAddress=0",
        "WebMessenger:Limits:SearchesPerSecond=0",
        "WebMessenger:Limits:RequestsUnderWayPerAddress=0",
        "WebMessenger:Limits:PublishPerSecond=0",
        "WebMessenger:Limits:DataPublishPerSecond=0",
        "WebMessenger:Limits:StoredBytesPerDayPerAddress=0",
        "WebMessenger:Limits:DataStoredBytesPerDayPerAddress=0",
    ];

    internal ServerProcess Server => _server ?? throw new InvalidOperationException("The server was not started.");

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(NoLimits);
        // No test stops it, or asks what became of its connections then.
        _server.SpreadsClients = true;

        // The administrator: else whichever account a test makes first would be, and the page leads that one to the server's own pages.
        using var keeper = await Person.RegisterAsync(_server, "keeper");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
