using Npgsql;
using WebMessenger.Cluster.Documents;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Tests.Documents;

namespace WebMessenger.Cluster.Tests.Documents;

/// <summary>The contract over PostgreSQL.</summary>
public sealed class PgDocumentsTests : DocumentsContract
{
    private string _connection = null!;
    private NpgsqlDataSource _database = null!;
    private PgDocuments _documents = null!;

    protected override async Task<IDocuments> OpenAsync()
    {
        _connection ??= await TestDatabase.ConnectionAsync();
        _database = NpgsqlDataSource.Create(_connection);
        await Schema.MigrateAsync(_database);
        return _documents = new PgDocuments(_database, WriteAsync, NoReplication.Instance);
    }

    protected override async Task CloseAsync()
    {
        _documents.Dispose();
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

    private readonly SemaphoreSlim _turn = new(1);

    private async Task WriteAsync(DocumentWork work)
    {
        await _turn.WaitAsync();
        try
        {
            await using var connection = await _database.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using (NpgsqlBatch reads = new(connection))
            {
                work.AddReads(reads);
                if (reads.BatchCommands.Count > 0)
                {
                    await using var reader = await reads.ExecuteReaderAsync();
                    await work.ReadAsync(reader, default);
                }
            }

            if (work.Decide())
            {
                await using NpgsqlBatch writes = new(connection);
                work.AddWrites(writes);
                await writes.ExecuteNonQueryAsync();
            }

            await transaction.CommitAsync();
            work.Complete(null);
        }
        catch (Exception error)
        {
            work.Complete(new IOException("no", error));
        }
        finally
        {
            _turn.Release();
        }
    }
}
