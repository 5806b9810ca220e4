using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Servers;

/// <summary>This project's server as it was built, on fresh data, with the limits off that are there to stop load.</summary>
/// <param name="keepsLimits">They are on after all, as they are shipped.</param>
/// <param name="name">What tables call it.</param>
/// <param name="keptLimits">These are.</param>
internal sealed partial class WebMessengerServer(
    string? program, IReadOnlyList<string> settings, bool keepsLimits = false, IReadOnlyList<string>? keptLimits = null, string name = "WebMessenger") : IContender
{
    /// <summary>Limits that are there to stop load: 0 switches them off.</summary>
    internal static readonly string[] LimitsOff =
    [
        "PublishPerSecond", "DataPublishPerSecond", "DataConnectionsPerRoom", "DataKeptClientsPerRoom", "DataGroupsPerRoom", "DataGroupsPerRoomAndAccount", "ConnectsPerSecondPerAddress", "ConnectionsPerAddress", "ConnectionsPerAccount", "SignInsPerMinutePerAddress", "RegistrationsPerHourPerAddress",
        "StoredBytesPerDayPerAccount", "StoredBytesPerDayPerGuest", "StoredBytesPerDayPerAddress", "DataStoredBytesPerDayPerAccount", "DataStoredBytesPerDayPerGuest", "DataStoredBytesPerDayPerAddress",
        "SocketsPerAddress", "SocketsPerSecondPerAddress", "RequestsPerSecond", "RequestsPerSecondPerAddress", "SearchesPerSecond",
        "SubscribePerSecond", "IdlePacketsPerSecond", "FramesPerSecond", "CatchUpBytesPerSecond", "AnswersPerAccount", "AnswersPerAddress", "RequestsUnderWayPerAddress", "GuestsPerMinutePerAddress", "AnswersPerGuest", "HookPostsPerSecond", "RuleSaysPerMinute", "RuleSaysPerMinutePerRoom", "RuleTestsPerSecond", "RuleBytesPerSecondPerRoom", "RuleBytesPerSecondPerAccount",
        "RetainedPerRoom", "RetainedMegabytesPerRoom", "ActsBeyondQuotaPerDay", "InvitesPerRoom", "DeletionsPerSecond", "JoinRequestsPerRoom", "ReportsPerRoom", "ExportsAtOnce", "ImportsAtOnce", "ImportBytesPerSecond", "ImportsPerDay",
    ];

    private readonly string _program = Path.GetFullPath(program ?? typeof(WebMessengerServer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(item => item.Key == "Server").Value!);
    private AccountSeed? _seed;

    /// <summary>The limit of open files that it is started with; null: that of this process.</summary>
    public int? Handles { get; init; }

    public string Name => name;

    public string Version => FileVersionInfo.GetVersionInfo(_program).ProductVersion ?? "unknown";

    public async Task<ServerUnderTest> StartAsync(Preparation preparation, CancellationToken cancellation)
    {
        var (folder, logins) = await PrepareAsync(preparation, cancellation);
        try
        {
            return await StartInAsync(folder, preparation.Rooms, i => logins[i % logins.Count], cancellation);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>Starts on the data of one that has ended.</summary>
    public Task<ServerUnderTest> StartAgainAsync(ServerUnderTest ended, int rooms, CancellationToken cancellation) => StartInAsync(ended.Folder, rooms, ended.Login, cancellation);

    /// <summary>Starts on a data folder that is there, and stays when it ends: the caller disposes the process only.</summary>
    public Task<ServerUnderTest> StartOnAsync(string folder, Func<int, Login?> login, CancellationToken cancellation) => StartInAsync(folder, 0, login, cancellation);

    /// <summary>A server on a folder and ports of its own that is started, killed and started again; not started yet.</summary>
    /// <param name="prepare">Is given its folder before anything lies in it.</param>
    public async Task<MortalServer> MortalAsync(Preparation preparation, CancellationToken cancellation, Action<string>? prepare = null)
    {
        var (folder, logins) = await PrepareAsync(preparation, cancellation, prepare);
        return new MortalServer(folder, logins, (http, mqtt) => Arguments(folder, preparation.Rooms, http, mqtt));
    }

    public ValueTask DisposeAsync()
    {
        _seed?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<ServerUnderTest> StartInAsync(string folder, int rooms, Func<int, Login?> login, CancellationToken cancellation)
    {
        Dictionary<string, IPEndPoint> listening = [];
        var process = await ChildProcess.StartAsync(Handles is null ? "dotnet" : "sh", [.. Shell(), .. Arguments(folder, rooms, 0, 0)], line =>
        {
            if (ListeningLine().Match(line) is { Success: true } match)
            {
                listening[match.Groups["scheme"].Value] = new IPEndPoint(IPAddress.Loopback, int.Parse(match.Groups["port"].ValueSpan, CultureInfo.InvariantCulture));
            }

            return line.Contains("WebMessenger is ready", StringComparison.Ordinal);
        }, null, cancellation);
        return new ServerUnderTest(process, listening["mqtt"], listening["http"], folder, login) { Listening = listening };
    }

    // The shell becomes the server.
    private string[] Shell() => Handles is { } handles
        ? ["-c", string.Create(CultureInfo.InvariantCulture, $"ulimit -n {handles} && exec dotnet \"$@\""), "sh"]
        : [];

    private async Task<(string Folder, IReadOnlyList<Login> Logins)> PrepareAsync(Preparation preparation, CancellationToken cancellation, Action<string>? prepare = null)
    {
        if (!File.Exists(_program))
        {
            throw new LoadException($"There is no server at {_program}. Build it: dotnet build src/Broker -c Release");
        }

        // More accounts than are asked for are no harm: what takes the time is a password hash for each.
        if (_seed is null || _seed.Logins.Count < preparation.Accounts)
        {
            _seed?.Dispose();
            _seed = await AccountSeed.CreateAsync(preparation.Accounts, cancellation);
        }

        var folder = Directory.CreateTempSubdirectory("webmessenger-load-").FullName;
        prepare?.Invoke(folder);
        _seed.CopyTo(folder);
        return (folder, [.. _seed.Logins.Take(preparation.Accounts)]);
    }

    private IEnumerable<string> Arguments(string folder, int rooms, int httpPort, int mqttPort) =>
    [
        _program,
        string.Create(CultureInfo.InvariantCulture, $"--Urls=http://127.0.0.1:{httpPort}"),
        string.Create(CultureInfo.InvariantCulture, $"--WebMessenger:Mqtt:Port={mqttPort}"),
        $"--WebMessenger:DataFolder={folder}",
        .. (keepsLimits ? [] : LimitsOff.Except(keptLimits ?? []).Where(IsKnown)).Select(limit => $"--WebMessenger:Limits:{limit}=0"),
        .. Enumerable.Range(0, rooms).Select(room => string.Create(CultureInfo.InvariantCulture, $"--WebMessenger:Rooms:Default:{room}={RoomTopic.IdOf(room)}")),
        .. settings.Select(setting => $"--{setting}"),
    ];

    // An older build does not start with a setting that it does not know. Its own settings lie beside it.
    private bool IsKnown(string limit) =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(_program)!, "appsettings.json")).Contains($"\"{limit}\"", StringComparison.Ordinal);

    [GeneratedRegex(@"Listening on (?<scheme>https?|mqtts?)://127\.0\.0\.1:(?<port>\d+)")]
    private static partial Regex ListeningLine();
}
