using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>A database of a test's own with the tables of this version, and logs on it.</summary>
internal sealed class TestLog
{
    private TestLog(string connection) => Connection = connection;

    public string Connection { get; }

    public static async Task<TestLog> CreateAsync()
    {
        var connection = await TestDatabase.ConnectionAsync();
        await using var database = NpgsqlDataSource.Create(connection);
        await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
        return new TestLog(connection);
    }

    public PgEventLog Open(TimeProvider? time = null, PgEventLogOptions? options = null, INodeLinks? links = null) =>
        PgEventLog.Open(Connection, options, links ?? AloneLinks.Instance, time ?? TimeProvider.System, NullLogger<PgEventLog>.Instance);
}
