using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Load.Servers;

/// <summary>mosquitto as installed, told to do as little as it can: no logins, nothing on disk, no queue limits, no delays.</summary>
/// <param name="keeps">It writes what it holds to its disk every few seconds after all, and when it ends.</param>
internal sealed class MosquittoServer(string program, string version, bool keeps = false) : IContender
{
    /// <summary>As shipped it is 1,800.</summary>
    private const int SecondsBetweenSaves = 2;

    private const string HowToInstall =
        """
        mosquitto's broker is not here. On Debian and Ubuntu it is in the package "mosquitto", which also starts a service on port 1883; to have the binary without the service:
          sudo apt-get install mosquitto && sudo systemctl disable --now mosquitto
        or, without installing anything:
          apt-get download mosquitto libwebsockets17 libdlt2 libwrap0 && for f in *.deb; do dpkg -x "$f" mosquitto; done
        and then give --mosquitto mosquitto/usr/sbin/mosquitto (with LD_LIBRARY_PATH naming the folder of its libraries).
        """;

    public string Name => keeps ? "mosquitto kept" : "mosquitto";

    public string Version => version;

    /// <summary>The same one, with its persistence on.</summary>
    public MosquittoServer Keeping => new(program, version, keeps: true);

    /// <param name="program">Null: wherever it usually is.</param>
    public static async Task<MosquittoServer> FindAsync(string? program)
    {
        IEnumerable<string> places = program is not null ? [program]
            : [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];
        var found = places.Select(place => program is not null ? place : Path.Combine(place, "mosquitto")).FirstOrDefault(File.Exists)
            ?? throw new LoadException(HowToInstall);

        // Its help begins with "mosquitto version 2.0.11".
        using var help = Process.Start(new ProcessStartInfo(found, "-h") { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new LoadException($"{found} did not start.");
        var error = help.StandardError.ReadToEndAsync();
        var said = await help.StandardOutput.ReadToEndAsync() + await error;
        await help.WaitForExitAsync();
        var words = said.Split((char[]?)null, 4, StringSplitOptions.RemoveEmptyEntries);
        return words is ["mosquitto", "version", var version, ..] ? new MosquittoServer(Path.GetFullPath(found), version)
            : throw new LoadException($"{found} does not run: {said.Trim()}");
    }

    public async Task<ServerUnderTest> StartAsync(Preparation preparation, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mosquitto-load-").FullName;
        try
        {
            var (mqtt, webSocket) = FreePorts();
            var configuration = Path.Combine(folder, "mosquitto.conf");
            await File.WriteAllTextAsync(configuration, Configuration(mqtt, webSocket, folder), cancellation);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            try
            {
                var process = await ChildProcess.StartAsync(program, ["-c", configuration], _ => false, Task.WhenAll(AnswersAsync(mqtt, stop.Token), AnswersAsync(webSocket, stop.Token)), cancellation);
                return new ServerUnderTest(process, mqtt, webSocket, folder, _ => null);
            }
            finally
            {
                await stop.CancelAsync();
            }
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string Configuration(IPEndPoint mqtt, IPEndPoint webSocket, string folder) => string.Create(CultureInfo.InvariantCulture,
        $"""
        listener {mqtt.Port} 127.0.0.1
        listener {webSocket.Port} 127.0.0.1
        protocol websockets
        allow_anonymous true
        {(keeps ? $"persistence true\npersistence_location {folder}/\nuser {Environment.UserName}\nautosave_interval {SecondsBetweenSaves}" : "persistence false")}
        max_queued_messages 0
        max_inflight_messages 0
        set_tcp_nodelay true
        sys_interval 0
        connection_messages false
        log_dest none

        """);

    private static (IPEndPoint Mqtt, IPEndPoint WebSocket) FreePorts()
    {
        using TcpListener first = new(IPAddress.Loopback, 0), second = new(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return ((IPEndPoint)first.LocalEndpoint, (IPEndPoint)second.LocalEndpoint);
    }

    // It says nothing when it is ready.
    private static async Task AnswersAsync(IPEndPoint address, CancellationToken cancellation)
    {
        while (true)
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(address, cancellation).AsTask().ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(20, cancellation);
            }
        }
    }
}
