using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Cluster.Tests;

public sealed class SchemaTests
{
    [Fact]
    public async Task Each_step_is_done_once_however_many_nodes_start_together()
    {
        await using var database = await TestDatabase.CreateAsync();

        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Schema.MigrateAsync(database, TestContext.Current.CancellationToken)));

        Assert.Equal(Schema.Steps.Count, made.Sum());
        Assert.Equal(0, await Schema.MigrateAsync(database, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_a_much_newer_version_has_made_is_refused_in_one_line()
    {
        await using var database = await TestDatabase.CreateAsync();
        await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
        await using (var newer = database.CreateCommand($"INSERT INTO schema_steps (number, name) VALUES ({Schema.Steps[^1].Number + 2}, 'newer')"))
        {
            await newer.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var error = await Assert.ThrowsAsync<IOException>(() => Schema.MigrateAsync(database, TestContext.Current.CancellationToken));
        Assert.Contains("newer version", error.Message, StringComparison.Ordinal);
    }
}

/// <summary>An empty database for one test.</summary>
internal static class TestDatabase
{
    /// <summary>How to connect to a new one; skips the test where there is no PostgreSQL.</summary>
    public static async Task<string> ConnectionAsync()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        return await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
    }

    public static async Task<NpgsqlDataSource> CreateAsync() => NpgsqlDataSource.Create(await ConnectionAsync());
}
