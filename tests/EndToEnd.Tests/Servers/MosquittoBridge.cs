using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>A mosquitto broker as installed, with a bridge to a server of ours, on a port of its own and with nothing on disk.</summary>
internal sealed class MosquittoBridge : IAsyncDisposable
{
    private static readonly string[] Places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto", "/opt/homebrew/sbin/mosquitto"];

    private readonly string _folder;
    private readonly StringBuilder _said = new();
    private Process? _process;

    private MosquittoBridge(string folder, IPEndPoint address) => (_folder, Address) = (folder, address);

    /// <summary>Null: mosquitto's broker is not installed. `MOSQUITTO` in the environment names another one.</summary>
    public static string? Program =>
        Environment.GetEnvironmentVariable("MOSQUITTO") is { Length: > 0 } named ? named : Places.FirstOrDefault(File.Exists);

    /// <summary>Where it listens; the same after a restart.</summary>
    public IPEndPoint Address { get; }

    /// <summary>A bridge of all topics, both ways, at QoS 2, that begins anew with each connection.</summary>
    /// <param name="version">As mosquitto.conf has it: `mqttv311` or `mqttv50`.</param>
    /// <param name="token">With a mount.</param>
    public static async Task<MosquittoBridge> StartAsync(ServerProcess server, string version, string userName, string token)
    {
        var (own, _) = LastingPorts.Two();
        MosquittoBridge bridge = new(Directory.CreateTempSubdirectory("webmessenger-bridge-").FullName, new IPEndPoint(IPAddress.Loopback, own));
        await File.WriteAllTextAsync(bridge.ConfigurationFile, string.Create(CultureInfo.InvariantCulture, $"""
            listener {own} 127.0.0.1
            allow_anonymous true
            persistence false
            log_dest stderr
            connection garden
            address 127.0.0.1:{server.Mqtt.Port}
            bridge_protocol_version {version}
            try_private true
            cleansession true
            restart_timeout 1
            remote_clientid garden
            remote_username {userName}
            remote_password {token}
            topic # both 2

            """));
        bridge.StartAgain();
        return bridge;
    }

    /// <summary>Starts with the same configuration as before.</summary>
    public void StartAgain()
    {
        ProcessStartInfo start = new(Program!, ["-c", ConfigurationFile]) { RedirectStandardError = true };
        _process = Process.Start(start) ?? throw new InvalidOperationException("mosquitto did not start.");
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_said)
            {
                _said.AppendLine(line.Data);
            }
        };
        _process.BeginErrorReadLine();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync().WaitAsync(RawMqttClient.Patience);
        _process.Dispose();
        _process = null;
    }

    /// <summary>A client of mosquitto's that hears everything.</summary>
    public async Task<RawMqttClient> ListenAsync()
    {
        var client = await TcpAsync();
        Assert.True((await client.ConnectAsync()).Accepted);
        Assert.Equal([2], (await client.SubscribeAsync("#", 2)).ReasonCodes);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string ConfigurationFile => Path.Combine(_folder, "mosquitto.conf");

    // It does not say to others when it listens.
    private async Task<RawMqttClient> TcpAsync()
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            Assert.False(_process!.HasExited, $"mosquitto ended: {_said}");
            try
            {
                return await RawMqttClient.OverTcpAsync(Address, MqttVersion.V5);
            }
            catch (System.Net.Sockets.SocketException)
            {
                await look.WaitForNextTickAsync(patience.Token);
            }
        }
    }
}
