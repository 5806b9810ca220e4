using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>What a program that ended said.</summary>
internal sealed record Ended(int ExitCode, string Output, string Error);

/// <summary>The real program, as a process of its own, on free ports of the loopback network and a folder of its own.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    /// <summary>As the build of the tests has made it: `…/src/Broker/bin/Release/net10.0/WebMessenger.dll`.</summary>
    public static readonly string Program = typeof(ServerProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == "Server").Value!;

    private readonly IReadOnlyList<string> _settings;
    private readonly bool _ownsFolder;
    private Running? _running;
    private Companion? _companion;
    private (string? Test, int Browsers, int Clients) _turns;

    private ServerProcess(string dataFolder, bool ownsFolder, IReadOnlyList<string> settings)
    {
        DataFolder = dataFolder;
        _ownsFolder = ownsFolder;
        _settings = settings;
    }

    public string DataFolder { get; }

    /// <summary>Where pages and the HTTP API are; the same after a restart.</summary>
    public required Uri Address { get; init; }

    /// <summary>Where MQTT over TCP is; the same after a restart.</summary>
    public required IPEndPoint Mqtt { get; init; }

    /// <summary>Where MQTT over TLS is, if the settings have a certificate.</summary>
    public IPEndPoint MqttOverTls => new(IPAddress.Loopback, PortOf("mqtts"));

    public Uri WebSocket => new UriBuilder(Address) { Scheme = "ws", Path = "/mqtt" }.Uri;

    /// <summary>All that the program has written to its two outputs since its last start.</summary>
    public string Log => _running?.Log ?? "";

    /// <summary>What the first account needs that comes from elsewhere, a proxy included; empty: there is an account.</summary>
    public string FirstCode => FirstCodeLine().Match(Log).Groups[1].Value;

    public int ProcessId => Live.Process.Id;

    /// <summary>Where everybody is whom a test does not say to be here: node 1, if this is node 2; this one, if it is alone.</summary>
    public ServerProcess Elsewhere => _companion?.Node ?? this;

    /// <summary>
    /// Of a test's browsers the first is here, the second elsewhere, and so on; of clients that its scripts open the first is elsewhere.
    /// </summary>
    public bool SpreadsClients { get; set; }

    /// <summary>Where the next browser of the running test is.</summary>
    public ServerProcess ForBrowser() => Next(ref _turns.Browsers, firstHere: true);

    private ServerProcess ForClient() => Next(ref _turns.Clients, firstHere: false);

    private Running Live => _running ?? throw new InvalidOperationException("The server is not running.");

    /// <param name="settings">`WebMessenger:Limits:PublishPerSecond=0` and the like.</param>
    public static Task<ServerProcess> StartAsync(params string[] settings) => StartInAsync(null, settings);

    /// <param name="dataFolder">Null: a new temporary one, removed at the end.</param>
    public static async Task<ServerProcess> StartInAsync(string? dataFolder, params string[] settings)
    {
        if (!Companion.IsWanted || dataFolder is not null || settings.Any(setting => setting.StartsWith("WebMessenger:Cluster:", StringComparison.Ordinal)))
        {
            return await StartAloneInAsync(dataFolder, settings);
        }

        var companion = await Companion.StartAsync(settings);
        try
        {
            var server = await StartAloneInAsync(null, [.. settings, .. companion.Settings]);
            server._companion = companion;
            return server;
        }
        catch
        {
            await companion.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same without anybody beside it.</summary>
    public static Task<ServerProcess> StartAloneAsync(params string[] settings) => StartAloneInAsync(null, settings);

    private static async Task<ServerProcess> StartAloneInAsync(string? dataFolder, string[] settings)
    {
        var (http, mqtt) = LastingPorts.Two();
        ServerProcess server = new(
            dataFolder ?? Directory.CreateTempSubdirectory("webmessenger-").FullName, ownsFolder: dataFolder is null, settings)
        {
            Address = new UriBuilder("http", "127.0.0.1", http).Uri,
            Mqtt = new IPEndPoint(IPAddress.Loopback, mqtt),
        };
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the program to its end with exactly these settings. Fails when it does not end by itself.</summary>
    public static async Task<Ended> RunToEndAsync(params string[] settings)
    {
        using Running running = new(settings);
        try
        {
            await running.Process.WaitForExitAsync().WaitAsync(_patience);
        }
        catch (TimeoutException)
        {
            running.Process.Kill();
            Assert.Fail($"The program should have ended. It said:{Environment.NewLine}{running.Log}");
        }

        return await running.EndedAsync();
    }

    /// <summary>Starts on the same folder and the same ports as before.</summary>
    public async Task StartAgainAsync()
    {
        _running?.Dispose();
        _running = new Running([
            $"Urls={Address.GetLeftPart(UriPartial.Authority)}",
            $"WebMessenger:Mqtt:Port={Mqtt.Port.ToString(CultureInfo.InvariantCulture)}",
            $"WebMessenger:DataFolder={DataFolder}",
            .. _settings]);
        var ended = _running.Process.WaitForExitAsync();
        var first = await Task.WhenAny(_running.Ready, ended, Task.Delay(_patience));
        if (first != ended && !_running.Ready.IsCompleted)
        {
            Assert.Fail($"The server was not ready in time:{Environment.NewLine}{_running.Log}");
        }

        if (first == ended)
        {
            var what = await _running.EndedAsync();
            Assert.Fail($"The server ended with exit code {what.ExitCode} before it was ready:{Environment.NewLine}{_running.Log}");
        }
    }

    /// <summary>kill -9: no line of the program's own runs any more.</summary>
    public async Task KillAsync()
    {
        Live.Process.Kill();
        await Live.Process.WaitForExitAsync().WaitAsync(_patience);
    }

    public bool HasEnded => Live.Process.HasExited;

    /// <summary>Waits until it ends by itself.</summary>
    public async Task<Ended> EndedAsync()
    {
        await Live.Process.WaitForExitAsync().WaitAsync(_patience);
        return await Live.EndedAsync();
    }

    /// <summary>SIGTERM, as a service's supervisor sends it.</summary>
    public async Task<Ended> TerminateAsync()
    {
        await SignalAsync("TERM");
        await Live.Process.WaitForExitAsync().WaitAsync(_patience);
        return await Live.EndedAsync();
    }

    /// <param name="signal">Without the SIG, such as STOP: it is frozen, until CONT.</param>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public Task<RawMqttClient> TcpAsync(MqttVersion version = MqttVersion.V5) => RawMqttClient.OverTcpAsync(ForClient().Mqtt, version);

    /// <summary>A WebSocket as a page of this server opens it: with its cookie and Origin.</summary>
    public Task<RawMqttClient> PageAsync(string cookie, MqttVersion version = MqttVersion.V5, int? receiveBuffer = null)
    {
        var at = ForClient();
        return RawMqttClient.OverWebSocketAsync(at.WebSocket, new WebSocketDoor(cookie, at.Address.GetLeftPart(UriPartial.Authority)), version, receiveBuffer);
    }

    public async ValueTask DisposeAsync()
    {
        // First: who talks there would wait for what a killed node does not say.
        if (_companion is { } companion)
        {
            await companion.DisposeAsync();
        }

        if (_running is { } running)
        {
            if (!running.Process.HasExited)
            {
                await KillAsync();
            }

            running.Dispose();
        }

        if (_ownsFolder)
        {
            Directory.Delete(DataFolder, recursive: true);
        }
    }

    // Tests run one after the other.
    private ServerProcess Next(ref int turn, bool firstHere)
    {
        var test = TestContext.Current.Test?.UniqueID;
        if (_turns.Test != test)
        {
            _turns = (test, 0, 0);
        }

        return !SpreadsClients || (Interlocked.Increment(ref turn) % 2 == 1) == firstHere ? this : Elsewhere;
    }

    private int PortOf(string scheme) => ListeningLine().Matches(Log) is var all
        && all.FirstOrDefault(match => match.Groups["scheme"].Value == scheme) is { } line
            ? int.Parse(line.Groups["port"].ValueSpan, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"The server did not say where it listens ({scheme}):{Environment.NewLine}{Log}");

    [GeneratedRegex(@"takes the code (\S+)")]
    private static partial Regex FirstCodeLine();

    [GeneratedRegex(@"Listening on (?<scheme>https?|mqtts?)://127\.0\.0\.1:(?<port>\d+)")]
    private static partial Regex ListeningLine();

    /// <summary>One life of the process.</summary>
    private sealed class Running : IDisposable
    {
        private readonly ConcurrentQueue<string> _lines = new();
        private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task<string> _output;
        private readonly Task<string> _error;

        public Running(IEnumerable<string> settings)
        {
            ProcessStartInfo start = new("dotnet")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
                WorkingDirectory = Path.GetTempPath(),
            };
            start.ArgumentList.Add(Program);
            foreach (var setting in settings)
            {
                start.ArgumentList.Add($"--{setting}");
            }

            Process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
            Process.StandardInput.Close();
            _output = GatherAsync(Process.StandardOutput);
            _error = GatherAsync(Process.StandardError);
        }

        public Process Process { get; }

        public Task Ready => _ready.Task;

        public string Log => string.Join(Environment.NewLine, _lines);

        public async Task<Ended> EndedAsync() => new(Process.ExitCode, await _output, await _error);

        public void Dispose() => Process.Dispose();

        private async Task<string> GatherAsync(StreamReader from)
        {
            List<string> all = [];
            while (await from.ReadLineAsync() is { } line)
            {
                all.Add(line);
                _lines.Enqueue(line);
                if (line.Contains("WebMessenger is ready", StringComparison.Ordinal))
                {
                    _ready.TrySetResult();
                }
            }

            return string.Join(Environment.NewLine, all);
        }
    }
}
