using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Documents;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Tests.Documents;

namespace WebMessenger.Cluster.Tests.Documents;

/// <summary>The contract over PostgreSQL.</summary>
public sealed class PgDocumentsTests : DocumentsContract
{
    private string _connection = null!;
    private NpgsqlDataSource _database = null!;
    private PgEventLog _log = null!;
    private PgDocuments _documents = null!;

    protected override async Task<IDocuments> OpenAsync()
    {
        _connection ??= await TestDatabase.ConnectionAsync();
        _database = NpgsqlDataSource.Create(_connection);
        await Schema.MigrateAsync(_database);
        _log = PgEventLog.Open(
            _connection, new PgEventLogOptions { Patience = TimeSpan.FromMilliseconds(200) }, AloneLinks.Instance, TimeProvider.System, NullLogger<PgEventLog>.Instance);
        return _documents = new PgDocuments(_database, _log.CommitAsync, _log.Replication);
    }

    protected override async Task CloseAsync()
    {
        _documents.Dispose();
        await _log.DisposeAsync();
        await _database.DisposeAsync();
    }

    protected override void Clean()
    {
        // The database goes with its server.
    }

    protected override void SetDisk(bool works)
    {
        NpgsqlConnectionStringBuilder to = new(_connection);
        var name = to.Database;
        to.Database = "postgres";
        using var server = NpgsqlDataSource.Create(to.ConnectionString);
        using var allow = server.CreateCommand($"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {works}");
        allow.ExecuteNonQuery();
        if (!works)
        {
            using var end = server.CreateCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1");
            end.Parameters.Add(new() { Value = name });
            end.ExecuteNonQuery();
        }
    }
}
