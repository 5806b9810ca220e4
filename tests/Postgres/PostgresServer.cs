using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Npgsql;

namespace WebMessenger.Postgres.Testing;

/// <summary>A PostgreSQL of a test's own, from the distribution's package: its files in a temporary folder, on loopback, ended with the
/// test.</summary>
/// <remarks>Started as root it runs as somebody else, for PostgreSQL refuses to be root.</remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly Lazy<Task<PostgresServer>> _shared = new(() => StartAsync());

    private readonly string _folder;
    private IReadOnlyList<string> _options;
    private readonly string _password;
    private Process? _process;
    private int _databases;

    private PostgresServer(string folder, int port, string password, IReadOnlyList<string> options) =>
        (_folder, Port, _password, _options) = (folder, port, password, options);

    /// <summary>Null: it can be had. Else why not, and what to do about it.</summary>
    public static string? WhyNot { get; } = Binary("postgres") is null || Binary("initdb") is null
        ? "PostgreSQL is not installed here (package postgresql): what needs it is skipped."
        : null;

    public int Port { get; }

    /// <summary>The process of the postmaster; the others are its children.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>The folder of its data.</summary>
    public string DataFolder => Path.Combine(_folder, "data");

    /// <summary>One for all tests of this program that do not end it, without syncs: started with the first that asks, ended with the
    /// program.</summary>
    public static Task<PostgresServer> SharedAsync() => _shared.Value;

    /// <summary>Starts a new one.</summary>
    /// <param name="isDurable">It syncs as it would for a user.</param>
    /// <param name="options">More of `-c name=value`.</param>
    public static async Task<PostgresServer> StartAsync(bool isDurable = false, params string[] options)
    {
        var folder = Directory.CreateTempSubdirectory("wm-postgres-").FullName;
        var password = RandomNumberGenerator.GetHexString(32);
        List<string> settings =
        [
            "listen_addresses=127.0.0.1", $"unix_socket_directories={folder}", "max_connections=300", "shared_buffers=64MB",
            "max_wal_size=2GB", "log_min_messages=fatal", "logging_collector=off", .. options,
        ];
        if (!isDurable)
        {
            settings.AddRange(["fsync=off", "full_page_writes=off"]);
        }

        PostgresServer server = new(folder, FreePort(), password, settings);
        await server.InitializeAsync();
        await server.StartAgainAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Kill();
        return server;
    }

    /// <summary>A new, empty database, and how to connect to it.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        await using NpgsqlConnection connection = new(ConnectionTo("postgres"));
        await connection.OpenAsync();
        await using NpgsqlCommand create = new($"CREATE DATABASE {name}", connection);
        await create.ExecuteNonQueryAsync();
        return ConnectionTo(name);
    }

    public string ConnectionTo(string database) =>
        $"Host=127.0.0.1;Port={Port};Username=postgres;Password={_password};Database={database};Include Error Detail=true";

    /// <summary>As a power cut would: every process of it, at once.</summary>
    public void Kill()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
    }

    /// <summary>`pg_ctl stop -m immediate`: ends without a checkpoint, and recovers at the next start.</summary>
    public async Task StopAtOnceAsync()
    {
        // SIGQUIT
        _ = kill(_process!.Id, 3);
        await _process.WaitForExitAsync().WaitAsync(_patience);
    }

    /// <summary>Starts it again on the same data and port.</summary>
    public async Task StartAgainAsync()
    {
        _process = Process.Start(Command(
            "postgres", ["-D", DataFolder, "-p", $"{Port}", .. _options.SelectMany(option => new[] { "-c", option })]))!;
        _ = _process.StandardError.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = new(ConnectionTo("postgres") + ";Pooling=false;Timeout=2");
                await connection.OpenAsync();
                return;
            }
            catch (NpgsqlException) when (Stopwatch.GetElapsedTime(since) < _patience && !_process.HasExited)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Runs SQL as its superuser, each statement for itself.</summary>
    public async Task ExecuteAsync(params string[] statements)
    {
        await using NpgsqlConnection connection = new(ConnectionTo("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        foreach (var statement in statements)
        {
            await using NpgsqlCommand command = new(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Sets something for all, and waits until new connections have it.</summary>
    public async Task SetAsync(string name, string value)
    {
        await ExecuteAsync($"ALTER SYSTEM SET {name} = '{value}'", "SELECT pg_reload_conf()");
        for (var shown = ""; shown != value;)
        {
            await using NpgsqlConnection connection = new(ConnectionTo("postgres") + ";Pooling=false");
            await connection.OpenAsync();
            await using NpgsqlCommand show = new($"SHOW {name}", connection);
            shown = (string)(await show.ExecuteScalarAsync())!;
        }
    }

    /// <summary>Runs one of PostgreSQL's own programs against it, and waits for its end.</summary>
    /// <exception cref="InvalidOperationException">It failed: with what it said.</exception>
    public async Task RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(Binary(program)!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        (start.Environment["PGHOST"], start.Environment["PGPORT"], start.Environment["PGUSER"], start.Environment["PGPASSWORD"]) =
            ("127.0.0.1", $"{Port}", "postgres", _password);
        await RunAsync(start);
    }

    /// <summary>A standby of it that streams, and takes no writes until <see cref="PromoteAsync"/>.</summary>
    /// <param name="name">By which the primary may wait for it (`synchronous_standby_names`).</param>
    public async Task<PostgresServer> StartStandbyAsync(string name)
    {
        PostgresServer standby = new(Directory.CreateTempSubdirectory("wm-postgres-").FullName, FreePort(), _password, _options);
        standby._options = [.. _options.Where(option => !option.StartsWith("unix_socket_directories", StringComparison.Ordinal)), $"unix_socket_directories={standby._folder}"];
        if (IsRoot)
        {
            using var own = Process.Start("chown", [User, standby._folder]);
            await own.WaitForExitAsync();
        }

        await RunAsync(Command("pg_basebackup",
            ["-D", standby.DataFolder, "-R", "-X", "stream", "-d", $"host=127.0.0.1 port={Port} user=postgres password={_password} application_name={name}", "--no-sync", "-c", "fast"]));
        await standby.StartAgainAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => standby.Kill();
        return standby;
    }

    /// <summary>Of a standby: it takes writes from here on, on a timeline of its own.</summary>
    public async Task PromoteAsync() => await ExecuteAsync("SELECT pg_promote(true, 60)");

    public ValueTask DisposeAsync()
    {
        Kill();
        _process?.Dispose();
        _process = null;
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A process that is just ending still writes; the folder is a temporary one.
        }

        return ValueTask.CompletedTask;
    }

    private async Task InitializeAsync()
    {
        var secret = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(secret, _password);
        if (IsRoot)
        {
            using var own = Process.Start("chown", ["-R", User, _folder]);
            await own.WaitForExitAsync();
        }

        await RunAsync(Command(
            "initdb", ["-D", DataFolder, "-U", "postgres", "--auth=scram-sha-256", $"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]));
    }

    private static async Task RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEndAsync();
        var complained = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(_patience);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Path.GetFileName(start.FileName)} ended with {process.ExitCode}: {await said}{await complained}");
        }
    }

    private static bool IsRoot => geteuid() == 0;

    // The package has made it; else whoever owns nothing.
    private static string User { get; } = File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    private static ProcessStartInfo Command(string program, IReadOnlyList<string> arguments)
    {
        string[] command = [Binary(program)!, .. arguments];
        if (IsRoot)
        {
            // Becomes the program, under its own process id.
            command = ["setpriv", $"--reuid={User}", "--regid=" + (User == "postgres" ? "postgres" : "nogroup"), "--clear-groups", .. command];
        }

        return new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
    }

    // Debian has them beside its versions, not on the PATH.
    private static string? Binary(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? (Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(version => int.TryParse(Path.GetFileName(version), out var number) ? number : 0)
                .Select(version => Path.Combine(version, "bin", name)).FirstOrDefault(File.Exists)
            : null);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [DllImport("libc")]
    private static extern uint geteuid();

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
