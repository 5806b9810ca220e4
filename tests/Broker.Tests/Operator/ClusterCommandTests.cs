using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Npgsql;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Cluster.Checks;
using WebMessenger.Postgres.Testing;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>`cluster check`, `cluster move` and `cluster restored`, as they are typed, on a real database.</summary>
public sealed class ClusterCommandTests
{
    [Fact]
    public async Task A_cluster_is_checked_point_by_point_and_what_is_wrong_is_named()
    {
        var (database, connection) = await DatabaseAsync();
        using TempFolder folder = new();
        var data = folder.In("data");

        // The server of the tests syncs nothing, which is wrong, and says so.
        var (code, output, error) = await TypedCommand.RunAsync(data, ["cluster", "check", Postgres(connection)]);
        Assert.Equal(1, code);
        Assert.Contains("The cluster is not as it should be. 2 of ", error, StringComparison.Ordinal);
        Assert.Matches(@"WRONG +fsync +off", output);
        Assert.Matches(@"WRONG +full_page_writes +off", output);
        foreach (var point in new[] { "connection +direct", "encryption +none, on this machine", "version +1", "encoding +UTF8", "synchronous_commit +on", "node ports +without TLS, at 127.0.0.1", "clock ", "round trip ", "commit " })
        {
            Assert.Matches(@"(ok|advice) +" + point, output);
        }

        Assert.Matches(@"ok +max_connections +300, ", output);
        var (_, more, _) = await TypedCommand.RunAsync(data, ["cluster", "check", Postgres(connection), "--WebMessenger:Cluster:ReadConnections=200"]);
        Assert.Matches(@"advice +max_connections +300, .*A node takes up to 237, so 2 need 477", more);

        Assert.Matches(@"advice +schema +none yet", output);
        Assert.Matches(@"advice +nodes +none is running", output);

        // What is set for its user alone.
        await database.ExecuteAsync("ALTER ROLE postgres SET synchronous_commit = off", "ALTER ROLE postgres SET idle_session_timeout = '1h'", "ALTER ROLE postgres SET statement_timeout = '5s'");
        try
        {
            var (_, worse, _) = await TypedCommand.RunAsync(data, ["cluster", "check", Postgres(connection)]);
            foreach (var point in new[] { "synchronous_commit +off", "idle_session_timeout +3600000 ms", "statement_timeout +5000 ms" })
            {
                Assert.Matches("WRONG +" + point, worse);
            }
        }
        finally
        {
            await database.ExecuteAsync("ALTER ROLE postgres RESET ALL");
        }
    }

    [Theory]
    [InlineData(13, "this machine's is 0.013 s behind the database's")]
    [InlineData(-13, "this machine's is 0.013 s ahead of the database's")]
    public void A_clock_is_behind_or_ahead(int milliseconds, string said) => Assert.Equal(said, SpeedCheck.Clock(TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public async Task A_pooler_on_the_way_to_the_database_is_found_out()
    {
        const string Program = "/usr/sbin/pgbouncer";
        var (_, connection) = await DatabaseAsync();
        Assert.SkipUnless(File.Exists(Program), "PgBouncer is not installed.");
        using TempFolder folder = new();
        NpgsqlConnectionStringBuilder to = new(connection);
        var port = FreePort();
        var file = folder.In("pgbouncer.ini");
        await File.WriteAllTextAsync(
            file,
            $"""
            [databases]
            * = host=127.0.0.1 port={to.Port} user={to.Username} password={to.Password}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            ignore_startup_parameters = extra_float_digits, options, application_name
            """,
            TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        using var pooler = Process.Start(new ProcessStartInfo(Program, ["-u", "nobody", file]) { RedirectStandardError = true })!;
        _ = pooler.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            to.Port = port;
            var output = "";
            while (!output.Contains(" connection ", StringComparison.Ordinal))
            {
                Assert.False(pooler.HasExited);
                (_, output, _) = await TypedCommand.RunAsync(folder.In("data"), ["cluster", "check", Postgres(to.ConnectionString)]);
            }

            Assert.Matches("WRONG +connection +through a pooler", output);
        }
        finally
        {
            pooler.Kill();
        }
    }

    [Fact]
    public async Task What_a_server_alone_has_kept_is_moved_and_the_folder_is_a_nodes_then()
    {
        var (_, connection) = await DatabaseAsync();
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient ana = new() { BaseAddress = broker.Http };
        ana.DefaultRequestHeaders.Authorization = new("Bearer", (await broker.RegisterAsync("ana")).Token);
        using (var made = await ana.PostAsJsonAsync("/api/rooms", new { id = "garden", title = "Garden" }, TestContext.Current.CancellationToken))
        {
            Assert.True(made.IsSuccessStatusCode);
        }

        for (var i = 0; i < 30; i++)
        {
            using var said = await ana.PostAsJsonAsync("/api/rooms/garden/events", new { type = "message", text = $"hello {i}" }, TestContext.Current.CancellationToken);
            Assert.True(said.IsSuccessStatusCode, await said.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        var data = broker.Program.DataFolder;
        Assert.Contains("A server is running", await TypedCommand.RefusedAsync(data, "cluster", "move", Postgres(connection)), StringComparison.Ordinal);
        await broker.Program.DisposeAsync();

        var told = await TypedCommand.DoneAsync(data, "cluster", "move", Postgres(connection));

        Assert.Contains("are as in the folder", told, StringComparison.Ordinal);
        Assert.Contains("before-the-cluster", told, StringComparison.Ordinal);
        Assert.Throws<StartupException>(() => DataFolder.Open(data));
        DataFolder.OpenForNode(data).Dispose();

        // What was there is put aside, as it was.
        DataFolder.Open(Path.Combine(data, "before-the-cluster")).Dispose();
        Assert.Contains("There is no data", await TypedCommand.RefusedAsync(data, "cluster", "move", Postgres(connection)), StringComparison.Ordinal);
        Assert.Contains(
            "Another data folder", await TypedCommand.RefusedAsync(Path.Combine(data, "before-the-cluster"), "cluster", "move", Postgres(connection)), StringComparison.Ordinal);

        // Refused before anything was moved, it is as it was.
        DataFolder.Open(Path.Combine(data, "before-the-cluster")).Dispose();
    }

    [Fact]
    public async Task Nothing_starts_on_a_folder_that_is_half_moved()
    {
        using TempFolder folder = new();
        var data = folder.In("data");
        using (var open = DataFolder.Open(data))
        {
            var source = open.BeginMove(out var isNew);
            Assert.True(isNew);
            Assert.Equal(source, open.BeginMove(out isNew));
            Assert.False(isNew);
        }

        Assert.Contains("cluster move", Assert.Throws<StartupException>(() => DataFolder.Open(data)).Message, StringComparison.Ordinal);
        Assert.Contains("cluster move", Assert.Throws<StartupException>(() => DataFolder.OpenForNode(data)).Message, StringComparison.Ordinal);
        using (var open = DataFolder.OpenIfFree(data)!)
        {
            open.AbandonMove();
        }

        DataFolder.Open(data).Dispose();
    }

    [Fact]
    public async Task Each_slip_is_one_line()
    {
        var (_, connection) = await DatabaseAsync();
        using TempFolder folder = new();
        var data = folder.In("data");

        Assert.Contains("There is no cluster: set WebMessenger:Cluster:Postgres", await TypedCommand.RefusedAsync(data, "cluster", "check"), StringComparison.Ordinal);
        Assert.Contains("There is no cluster other", await TypedCommand.RefusedAsync(data, "cluster", "other", Postgres(connection)), StringComparison.Ordinal);
        Assert.Contains("has no --keep-logins", await TypedCommand.RefusedAsync(data, "cluster", "check", "--keep-logins", Postgres(connection)), StringComparison.Ordinal);
        var wrong = await TypedCommand.RefusedAsync(data, "cluster", "check", Postgres("Password=secret;Nonsense"));
        Assert.Contains("is no connection string", wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", wrong, StringComparison.Ordinal);
        var (code, output, error) = await TypedCommand.RunAsync(data, ["cluster", "check", Postgres("Host=127.0.0.1;Port=1;Username=nobody;Password=secret")]);
        Assert.Equal(1, code);
        Assert.Matches("WRONG +database +The database is not available", output);
        Assert.DoesNotContain("secret", output + error, StringComparison.Ordinal);
    }

    private static async Task<(PostgresServer Server, string Connection)> DatabaseAsync()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        return (server, await server.CreateDatabaseAsync());
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Postgres(string connection) => $"--WebMessenger:Cluster:Postgres={connection}";
}
