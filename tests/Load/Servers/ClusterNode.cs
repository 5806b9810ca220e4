using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace WebMessenger.Load.Servers;

/// <summary>One node of a house: the real program as a process, through many lives on the same ports, and a way to its database that can be
/// cut.</summary>
internal sealed partial class ClusterNode : IAsyncDisposable
{
    private const int StopSignal = 19;
    private const int GoOnSignal = 18;

    private readonly string _program;
    private readonly IReadOnlyList<string> _settings;
    private readonly TcpWay _database;
    private readonly string _connection;
    private readonly int _siloPort;
    private ChildProcess? _process;

    /// <param name="connection">With `Port=` of the database.</param>
    public ClusterNode(string program, int databasePort, string connection, IReadOnlyList<string> settings)
    {
        (_program, _settings) = (program, settings);
        _database = new TcpWay(databasePort);
        _connection = connection.Replace($"Port={databasePort}", $"Port={_database.Port}", StringComparison.Ordinal);
        (var http, var mqtt) = LastingPorts.Two();
        (_siloPort, _) = LastingPorts.Two();
        Http = new UriBuilder("http", "127.0.0.1", http).Uri;
        Mqtt = new IPEndPoint(IPAddress.Loopback, mqtt);
        Folder = Directory.CreateTempSubdirectory("webmessenger-node-").FullName;
    }

    public Uri Http { get; }

    public IPEndPoint Mqtt { get; }

    public string Folder { get; }

    /// <summary>The one that runs.</summary>
    public ChildProcess Process => _process ?? throw new InvalidOperationException("The node was not started.");

    /// <summary>For lives that begin from here on.</summary>
    public ChildSetting Setting { get; set; } = ChildSetting.Plain;

    /// <summary>Completes when it serves.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        string[] typed = [.. Setting.Before, "dotnet", .. Arguments(), .. Setting.Arguments];
        _process = ChildProcess.Start(typed[0], typed[1..], Heard, Setting.Environment);
        await _process.ReadyAsync(null, cancellation);
    }

    public Task KillAsync() => Process.KillAsync();

    /// <summary>SIGTERM; returns the exit code.</summary>
    public Task<int> TerminateAsync() => Process.StopAsync();

    /// <summary>SIGSTOP: none of its threads runs until <see cref="Thaw"/>.</summary>
    public void Freeze() => Signal(StopSignal);

    public void Thaw() => Signal(GoOnSignal);

    /// <summary>Nothing goes between it and the database, as when a cable is pulled.</summary>
    public void Cut() => _database.Cut();

    public void Mend() => _database.Mend();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            Thaw();
            await _process.DisposeAsync();
        }

        await _database.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private bool Heard(string line)
    {
        if (Setting.Log is { } log)
        {
            File.AppendAllText(log, line + Environment.NewLine);
        }

        return line.Contains("WebMessenger is ready", StringComparison.Ordinal);
    }

    private IEnumerable<string> Arguments() =>
    [
        _program,
        $"--Urls={Http.GetLeftPart(UriPartial.Authority)}",
        string.Create(CultureInfo.InvariantCulture, $"--WebMessenger:Mqtt:Port={Mqtt.Port}"),
        $"--WebMessenger:DataFolder={Folder}",
        $"--WebMessenger:Cluster:Postgres={_connection}",
        string.Create(CultureInfo.InvariantCulture, $"--WebMessenger:Cluster:Port={_siloPort}"),
        .. _settings.Select(setting => $"--{setting}"),
    ];

    private void Signal(int signal)
    {
        if (!Process.HasEnded)
        {
            _ = Kill(Process.Id, signal);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
