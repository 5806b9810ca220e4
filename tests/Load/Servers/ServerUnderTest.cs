using System.Net;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Servers;

/// <summary>A running server that is measured.</summary>
/// <param name="Mqtt">Where it speaks MQTT over TCP.</param>
/// <param name="WebSocket">Where it speaks MQTT over WebSocket.</param>
/// <param name="Folder">A folder of its own, on the disk that it writes to.</param>
/// <param name="Login">What the connection of this number signs in with; null: nothing.</param>
internal sealed record ServerUnderTest(ChildProcess Process, IPEndPoint Mqtt, IPEndPoint WebSocket, string Folder, Func<int, Login?> Login) : IAsyncDisposable
{
    /// <summary>Where it listens, by scheme: http, https, mqtt, mqtts.</summary>
    public IReadOnlyDictionary<string, IPEndPoint> Listening { get; init; } = new Dictionary<string, IPEndPoint>();

    /// <summary>Where it listens with this scheme.</summary>
    public IPEndPoint At(string scheme) => Listening.TryGetValue(scheme, out var address) ? address : throw new LoadException($"The server does not listen with {scheme}.");

    public Door Door(Transport transport) => transport == Transport.WebSocket ? new Door(WebSocket, true) : new Door(Mqtt, false);

    /// <summary>Stops it in order; false: it ended with an error.</summary>
    public async Task<bool> StopAsync() => await Process.StopAsync() == 0;

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>How clients reach a server.</summary>
internal enum Transport
{
    Tcp,
    WebSocket,
}

/// <summary>What a scenario needs to be there before it begins.</summary>
/// <param name="Accounts">At least one; connections take them in turn.</param>
internal sealed record Preparation(int Accounts, int Rooms);

/// <summary>A kind of server, started afresh for every round.</summary>
internal interface IContender : IAsyncDisposable
{
    string Name { get; }

    string Version { get; }

    Task<ServerUnderTest> StartAsync(Preparation preparation, CancellationToken cancellation);
}
