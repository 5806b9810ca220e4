using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Documents;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Moving;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Cluster.Tests.Moving;

/// <summary>Folders of the embedded stores, in a real database afterwards: read there by what a node reads with.</summary>
public sealed class FolderMoveTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Data => _folder.In("data");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task All_of_a_folder_is_in_the_database_as_it_was()
    {
        var connection = await TestDatabase.ConnectionAsync();
        await UsedFolder.FillAsync(Data, eventsOfRoom: 300);

        var told = await MovingChild.RunAsync(Data, connection);

        Assert.Contains(told, line => line.Contains("are as in the folder", StringComparison.Ordinal));
        await AssertSameAsync(connection);
    }

    [Fact]
    public async Task Killed_again_and_again_it_goes_on_where_it_was_and_nothing_is_missing_or_doubled()
    {
        var connection = await TestDatabase.ConnectionAsync();
        await UsedFolder.FillAsync(Data, eventsOfRoom: 4_000);
        await using var database = NpgsqlDataSource.Create(connection);
        await Schema.MigrateAsync(database, Cancellation);
        // Each start of it takes two seconds: at every place where it may be killed only in the long form.
        var step = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? 1 : 4;
        var (places, kills, reached) = (0, 0, "");
        for (var isDone = false; !isDone;)
        {
            using var child = MovingChild.Start(Data, connection);
            while (!child.HasExited && await ReachedAsync(database) is var now)
            {
                if (now != reached && now.Length > 0)
                {
                    reached = now;
                    if (places++ % step == 0)
                    {
                        kills++;
                        child.Kill();
                    }
                }
            }

            await child.WaitForExitAsync(Cancellation);
            isDone = child.ExitCode == 0;
            Assert.True(isDone || child.ExitCode == 137, $"It ended with {child.ExitCode}.");
        }

        Assert.InRange(kills, 4, int.MaxValue);
        await AssertSameAsync(connection);
    }

    [Fact]
    public async Task What_is_not_empty_or_of_another_folder_or_there_already_is_refused_and_left_alone()
    {
        var connection = await TestDatabase.ConnectionAsync();
        await UsedFolder.FillAsync(Data, eventsOfRoom: 20);
        await MovingChild.RunAsync(Data, connection);

        Assert.Contains("moved into this database already", await RefusedAsync(connection), StringComparison.Ordinal);
        Assert.Contains("Another data folder", await RefusedAsync(connection, Guid.NewGuid()), StringComparison.Ordinal);

        var used = await TestDatabase.ConnectionAsync();
        await using var database = NpgsqlDataSource.Create(used);
        await Schema.MigrateAsync(database, Cancellation);
        foreach (var one in new[] { "INSERT INTO records VALUES ('a', 'b')", "TRUNCATE records; INSERT INTO claims VALUES ('a', 'b', 'c')" })
        {
            await ExecuteAsync(database, one);
            Assert.Contains("not empty", await RefusedAsync(used), StringComparison.Ordinal);
            await ExecuteAsync(database, "SELECT 1 / (1 - count(*)) FROM moves HAVING count(*) > 0");
        }
    }

    [Theory]
    [InlineData("UPDATE events SET body = 'other' WHERE ctid = (SELECT ctid FROM events WHERE length(body) > 9 LIMIT 1)", "rows of the log r/room")]
    [InlineData("DELETE FROM event_ids WHERE ctid = (SELECT ctid FROM event_ids LIMIT 1)", "rows of the log r/room")]
    [InlineData("UPDATE logs SET epoch = 'other' WHERE name = 'r/room07'", "rows of the log r/room07")]
    [InlineData("UPDATE records SET value = 'x' WHERE ctid = (SELECT ctid FROM records LIMIT 1)", "records")]
    [InlineData("INSERT INTO claims VALUES ('look', 'more', 'x')", "claims")]
    [InlineData("UPDATE documents SET version = version + 1 WHERE ctid = (SELECT ctid FROM documents LIMIT 1)", "documents")]
    public async Task What_is_not_as_in_the_folder_is_found_out_in_the_end_and_no_node_starts_on_it(string damage, string named)
    {
        var connection = await TestDatabase.ConnectionAsync();
        await UsedFolder.FillAsync(Data, eventsOfRoom: 20);
        await MovingChild.RunAsync(Data, connection);
        await using var database = NpgsqlDataSource.Create(connection);
        await ExecuteAsync(database, damage);
        await ExecuteAsync(database, "UPDATE moves SET finished = NULL");

        var refused = await RefusedAsync(connection);

        Assert.Contains(named, refused, StringComparison.Ordinal);
        await Assert.ThrowsAsync<IOException>(() => DatabaseLife.OpenAsync(connection, NullLogger.Instance, Cancellation));
    }

    private async Task<string> RefusedAsync(string connection, Guid? source = null)
    {
        var error = await Assert.ThrowsAsync<IOException>(() => MovingChild.RunAsync(Data, connection, source));
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private static async Task<string> ReachedAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand("SELECT stage || ' ' || name || ' ' || rows FROM moves");
        return await command.ExecuteScalarAsync(Cancellation) as string ?? "";
    }

    private async Task AssertSameAsync(string connection)
    {
        await using (var life = await DatabaseLife.OpenAsync(connection, NullLogger.Instance, Cancellation))
        {
            Assert.Equal(LifeOutcome.SameLife, life.Outcome);
        }

        await using var database = NpgsqlDataSource.Create(connection);
        await using var there = PgEventLog.Open(connection, null, AloneLinks.Instance, TimeProvider.System, NullLogger<PgEventLog>.Instance);
        await using (var here = UsedFolder.Open(Data))
        {
            await AssertSameLogsAsync(here, there);
            Assert.NotEqual(here.ReadJournal(null, 1).Next.Epoch, there.ReadJournal(null, 1).Next.Epoch);
            var records = here.ReadAll([]);
            Assert.Equal(7_000, records.Count);
            Assert.All(records.Zip(there.ReadAll([])), pair => Assert.Equal((pair.First.Key, pair.First.Value), (pair.Second.Key, pair.Second.Value), SameBytes));
        }

        await using var accounts = DocumentStore.Open(UsedFolder.AccountsIn(Data));
        using PgDocuments documents = new(database, there.CommitAsync, there.Replication);
        foreach (var collection in new[] { "accounts", "rooms" })
        {
            var (mine, its) = (await AllAsync(accounts.Documents, collection), await AllAsync(documents, collection));
            Assert.NotEmpty(mine);
            Assert.Equal(mine, its);
        }

        for (var i = 0; i < 1_500; i += 100)
        {
            Assert.Equal($"owner {i}", await documents.OwnerAsync("look", $"a{i}"));
        }
    }

    private static async Task AssertSameLogsAsync(RocksEventLog here, PgEventLog there)
    {
        var names = here.ReadLogs(null, 1_000);
        Assert.Equal(UsedFolder.Rooms, names.Count);
        Assert.Equal(names, there.ReadLogs(null, 1_000));
        foreach (var name in names)
        {
            var head = here.Head(name);
            Assert.Equal(head, there.Head(name));
            for (var after = 0L; after < head.Head; after += 1_000)
            {
                var (mine, its) = (here.ReadAfter(name, after, 1_000), there.ReadAfter(name, after, 1_000));
                Assert.Equal(mine.Entries.Select(Text), its.Entries.Select(Text));
            }

            // Numbers go on, and ids are known: that of a truncated event among them.
            foreach (var log in new IEventLog[] { here, there })
            {
                Assert.Equal(AppendOutcome.Duplicate, (await log.AppendAsync(name, "author1", "id 1 é", (UInt128)1u << 70, "x"u8.ToArray())).Outcome);
                Assert.Equal(AppendOutcome.IdInUse, (await log.AppendAsync(name, "author1", "id 1 é", 1, "x"u8.ToArray())).Outcome);
                var next = await log.AppendAsync(name, "ana", "after the move", 1, "x"u8.ToArray());
                Assert.Equal((AppendOutcome.Stored, head.Head + 1, head.Epoch), (next.Outcome, next.Seq, next.Epoch));
            }
        }
    }

    private static async Task<List<string>> AllAsync(IDocuments documents, string collection)
    {
        List<string> all = [];
        await foreach (var document in documents.AllAsync(collection))
        {
            all.Add($"{document.Id} {document.Version} {System.Text.Encoding.UTF8.GetString(document.Json.Span)}");
        }

        return all;
    }

    private static string Text(LogEntry entry) =>
        $"{entry.Seq} {entry.At:O} {entry.Author} {Convert.ToHexString(entry.Body.Span)} {entry.ChangedBy} {entry.ChangedAt:O}";

    private static bool SameBytes((byte[] Key, byte[] Value) one, (byte[] Key, byte[] Value) other) =>
        one.Key.AsSpan().SequenceEqual(other.Key) && one.Value.AsSpan().SequenceEqual(other.Value);
}
