using System.Diagnostics;
using System.Net;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Servers;

/// <summary>This project's server on one folder and the same two ports through many lives, each of which may end at any moment.</summary>
internal sealed class MortalServer : IAsyncDisposable
{
    private readonly int _httpPort;
    private readonly int _mqttPort;
    private readonly Func<int, int, IEnumerable<string>> _arguments;
    private ChildProcess? _process;

    public MortalServer(string folder, IReadOnlyList<Login> logins, Func<int, int, IEnumerable<string>> arguments)
    {
        (Folder, Logins, _arguments) = (folder, logins, arguments);
        (_httpPort, _mqttPort) = LastingPorts.Two();
    }

    public string Folder { get; }

    public IReadOnlyList<Login> Logins { get; }

    public IPEndPoint Mqtt => new(IPAddress.Loopback, _mqttPort);

    public Uri Http => new($"http://127.0.0.1:{_httpPort}");

    /// <summary>For lives that begin from here on.</summary>
    public ChildSetting Setting { get; set; } = ChildSetting.Plain;

    /// <summary>The one that runs.</summary>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("The server was not started.");

    /// <summary>What it said last, in this life.</summary>
    public string LastWords => _process?.LastWords ?? "nothing";

    /// <summary>Starts a new life, and does not wait until it is ready.</summary>
    public async Task BeginAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        string[] typed = [.. Setting.Before, "dotnet", .. _arguments(_httpPort, _mqttPort), .. Setting.Arguments];
        _process = ChildProcess.Start(typed[0], typed[1..], line => line.Contains("WebMessenger is ready", StringComparison.Ordinal), Setting.Environment);
    }

    /// <summary>Starts a new life; returns how long it took to be ready.</summary>
    public async Task<TimeSpan> StartAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        await BeginAsync();
        await Process.ReadyAsync(null, cancellation);
        return Stopwatch.GetElapsedTime(start);
    }

    public Task KillAsync() => Process.KillAsync();

    /// <summary>SIGTERM; returns the exit code.</summary>
    public Task<int> TerminateAsync() => Process.StopAsync();

    /// <summary>Its folder is wanted when it has ended for good, to find out what went wrong.</summary>
    public bool KeepsFolder { get; set; }

    /// <summary>Ends it for good; its folder stays until it is disposed.</summary>
    public async Task EndAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
            _process = null;
        }
    }

    /// <summary>Ends it for good, and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        if (!KeepsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
