using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Postgres.Testing;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Tests.Migrations;

/// <summary>A real server, its dump, its standby and its files put back.</summary>
public sealed class DatabaseLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Opened_again_it_is_the_same_life_and_nothing_changes()
    {
        var connection = await NewAsync();
        var (first, epoch) = (await OpenAsync(connection), await EpochsAsync(connection));

        var again = await OpenAsync(connection);

        Assert.Equal(LifeOutcome.SameLife, first.Outcome);
        Assert.Equal((LifeOutcome.SameLife, first.Id), (again.Outcome, again.Id));
        Assert.Equal(epoch.Journal, (await EpochsAsync(connection)).Journal);
    }

    [Fact]
    public async Task A_dump_that_is_restored_beside_has_other_epochs_ends_logins_and_knows_no_node_of_the_other_house()
    {
        var connection = await NewAsync();
        var life = await OpenAsync(connection);
        await PutLogsAsync(connection);
        var (logs, journal) = await EpochsAsync(connection);
        var restored = await RestoredAsync(connection);

        var other = await OpenAsync(restored);

        Assert.Equal(LifeOutcome.PerhapsLost, other.Outcome);
        Assert.NotEqual(life.Id, other.Id);
        var (otherLogs, otherJournal) = await EpochsAsync(restored);
        Assert.NotEqual(journal, otherJournal);
        Assert.Equal(logs.Count, otherLogs.Count);
        Assert.All(logs.Zip(otherLogs), pair => Assert.NotEqual(pair.First, pair.Second));
        Assert.Equal(LifeOutcome.SameLife, (await OpenAsync(restored)).Outcome);
        Assert.Equal(logs, (await EpochsAsync(connection)).Logs);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_standby_that_takes_over_has_other_epochs_and_ends_logins_unless_it_was_synchronous(bool isSynchronous)
    {
        Skip();
        await using var primary = await PostgresServer.StartAsync(options: ["wal_level=replica", "max_wal_senders=4", "hot_standby=on"]);
        var connection = await primary.CreateDatabaseAsync();
        await MigrateAsync(connection);
        await using var standby = await primary.StartStandbyAsync("wm_standby");
        if (isSynchronous)
        {
            await primary.SetAsync("synchronous_standby_names", "wm_standby");
        }

        await using var life = await DatabaseLife.OpenAsync(connection, NullLogger.Instance, Cancellation);
        await PutLogsAsync(connection);
        var (logs, journal) = await EpochsAsync(connection);
        var there = standby.ConnectionTo(new NpgsqlConnectionStringBuilder(connection).Database!);
        await WaitAsync(there, "SELECT count(*) > 2 FROM logs");
        Assert.Contains("standby", (await Assert.ThrowsAsync<IOException>(() => DatabaseLife.OpenAsync(there, NullLogger.Instance, Cancellation))).Message, StringComparison.Ordinal);

        primary.Kill();
        await standby.PromoteAsync();

        await using var other = await DatabaseLife.OpenAsync(there, NullLogger.Instance, Cancellation);
        Assert.Equal(isSynchronous ? LifeOutcome.NothingLost : LifeOutcome.PerhapsLost, other.Outcome);
        var (otherLogs, otherJournal) = await EpochsAsync(there);
        Assert.NotEqual(journal, otherJournal);
        Assert.All(logs.Zip(otherLogs), pair => Assert.NotEqual(pair.First, pair.Second));

        // Who knew the former one is told with his next connection.
        NpgsqlDataSourceBuilder builder = new(there);
        life.Guard(builder);
        await using var guarded = builder.Build();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => guarded.OpenConnectionAsync(Cancellation).AsTask());
        Assert.Throws<StoreUnavailableException>(() => guarded.OpenConnection());
        Assert.Contains("started anew", await life.Lost, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_of_its_own_life_are_let_through()
    {
        var connection = await NewAsync();
        await using var life = await DatabaseLife.OpenAsync(connection, NullLogger.Instance, Cancellation);
        NpgsqlDataSourceBuilder builder = new(connection);
        life.Guard(builder);
        await using var guarded = builder.Build();

        await using (await guarded.OpenConnectionAsync(Cancellation))
        {
            using var another = guarded.OpenConnection();
            Assert.False(life.Lost.IsCompleted);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whoever_has_put_back_files_says_so_and_may_keep_the_logins(bool keepsLogins)
    {
        var connection = await NewAsync();
        await OpenAsync(connection);
        var (_, journal) = await EpochsAsync(connection);
        await using (NpgsqlConnection database = new(connection))
        {
            await database.OpenAsync(Cancellation);
            await using NpgsqlCommand node = new("INSERT INTO nodes (name, address, version) VALUES ('a', '127.0.0.1:1@1', '1')", database);
            await node.ExecuteNonQueryAsync(Cancellation);
            var error = await Assert.ThrowsAsync<IOException>(() => DatabaseLife.ForgetAsync(database, keepsLogins, Cancellation));
            Assert.Contains("The node a is running", error.Message, StringComparison.Ordinal);
            await using NpgsqlCommand stopped = new("UPDATE nodes SET renewed = clock_timestamp() - interval '6 s'", database);
            await stopped.ExecuteNonQueryAsync(Cancellation);

            await DatabaseLife.ForgetAsync(database, keepsLogins, Cancellation);
        }

        var life = await OpenAsync(connection);

        Assert.Equal(keepsLogins ? LifeOutcome.NothingLost : LifeOutcome.PerhapsLost, life.Outcome);
        Assert.NotEqual(journal, (await EpochsAsync(connection)).Journal);
    }

    [Fact]
    public async Task Nothing_starts_on_a_house_that_is_half_moved()
    {
        var connection = await NewAsync();
        await using var database = NpgsqlDataSource.Create(connection);
        await using (var half = database.CreateCommand("INSERT INTO moves (source) VALUES (gen_random_uuid())"))
        {
            await half.ExecuteNonQueryAsync(Cancellation);
        }

        var error = await Assert.ThrowsAsync<IOException>(() => OpenAsync(connection));
        Assert.Contains("cluster move", error.Message, StringComparison.Ordinal);

        await using (var whole = database.CreateCommand("UPDATE moves SET finished = now()"))
        {
            await whole.ExecuteNonQueryAsync(Cancellation);
        }

        Assert.Equal(LifeOutcome.SameLife, (await OpenAsync(connection)).Outcome);
    }

    private static void Skip() => Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");

    private static async Task<string> NewAsync()
    {
        var connection = await TestDatabase.ConnectionAsync();
        await MigrateAsync(connection);
        return connection;
    }

    private static async Task MigrateAsync(string connection)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await Schema.MigrateAsync(database, Cancellation);
    }

    private static async Task<(LifeOutcome Outcome, Guid Id)> OpenAsync(string connection)
    {
        await using var life = await DatabaseLife.OpenAsync(connection, NullLogger.Instance, Cancellation);
        return (life.Outcome, life.Id);
    }

    // As a log is stored, of which no more is needed here.
    private static async Task PutLogsAsync(string connection)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await using var put = database.CreateCommand(
            "INSERT INTO logs (name, id, epoch, head, first, last_at) SELECT 'r/' || i, i, CASE i % 3 WHEN 0 THEN 'xabcde' WHEN 1 THEN 'q1w2e3' ELSE 'yabcde' END, 1, 1, 0 FROM generate_series(1, 30) i");
        await put.ExecuteNonQueryAsync(Cancellation);
    }

    private static async Task<(List<string> Logs, string Journal)> EpochsAsync(string connection)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await using var command = database.CreateCommand("SELECT epoch FROM logs ORDER BY name");
        List<string> logs = [];
        await using (var reader = await command.ExecuteReaderAsync(Cancellation))
        {
            while (await reader.ReadAsync(Cancellation))
            {
                logs.Add(reader.GetString(0));
            }
        }

        await using var journal = database.CreateCommand("SELECT epoch FROM journal_head");
        return (logs, (string)(await journal.ExecuteScalarAsync(Cancellation))!);
    }

    private static async Task WaitAsync(string connection, string until)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        while (true)
        {
            await using var command = database.CreateCommand(until);
            if (await command.ExecuteScalarAsync(Cancellation) is true)
            {
                return;
            }

            await Task.Delay(20, Cancellation);
        }
    }

    // By the database's own means.
    private static async Task<string> RestoredAsync(string connection)
    {
        NpgsqlConnectionStringBuilder from = new(connection);
        var server = await PostgresServer.SharedAsync();
        var restored = await server.CreateDatabaseAsync();
        var file = Path.GetTempFileName();
        try
        {
            await server.RunAsync("pg_dump", "--format=custom", "--no-owner", "--file=" + file, "--dbname=" + from.Database);
            await server.RunAsync("pg_restore", "--no-owner", "--exit-on-error", "--dbname=" + new NpgsqlConnectionStringBuilder(restored).Database, file);
        }
        finally
        {
            File.Delete(file);
        }

        return restored;
    }
}
