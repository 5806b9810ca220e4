using Npgsql;

namespace WebMessenger.Cluster.Moving;

/// <summary>Where a move begins, and how it ends.</summary>
internal static class MoveStart
{
    // What tells that somebody has used the database already.
    private static readonly string[] _empty = ["documents", "claims", "records", "logs", "events", "event_ids", "journal"];

    /// <summary>Where to go on.</summary>
    /// <exception cref="IOException">The database is not empty, or another folder was moved, or is being moved, into it.</exception>
    public static async Task<MoveProgress> BeginAsync(NpgsqlConnection database, Guid source, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginTransactionAsync(cancellation);
        await using (NpgsqlCommand begun = new("SELECT source, finished, stage, name, position, rows FROM moves FOR UPDATE", database))
        {
            await using var reader = await begun.ExecuteReaderAsync(cancellation);
            if (await reader.ReadAsync(cancellation))
            {
                if (reader.GetGuid(0) != source)
                {
                    throw new IOException("Another data folder was moved, or is being moved, into this database. Use an empty one.");
                }

                return !await reader.IsDBNullAsync(1, cancellation)
                    ? throw new IOException("This data folder was moved into this database already.")
                    : new MoveProgress((MoveStage)reader.GetInt32(2), reader.GetString(3), reader.GetFieldValue<byte[]>(4), reader.GetInt64(5));
            }
        }

        foreach (var table in _empty)
        {
            await using NpgsqlCommand any = new($"SELECT 1 FROM {table} LIMIT 1", database);
            if (/* guard: a folder is moved into an empty database */ await any.ExecuteScalarAsync(cancellation) is not null)
            {
                throw new IOException($"The database is not empty: there are {table} in it. A data folder is moved into an empty one.");
            }
        }

        await using NpgsqlCommand begin = new("INSERT INTO moves (source) VALUES ($1)", database);
        begin.Parameters.Add(new() { Value = source });
        await begin.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return MoveProgress.StartOf(MoveStage.Documents);
    }

    /// <summary>All is there, and durable with this: nodes may start. What follows the journal begins from the logs.</summary>
    public static async Task FinishAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using (var transaction = await database.BeginTransactionAsync(cancellation))
        {
            await using NpgsqlBatch finish = new(database)
            {
                BatchCommands =
                {
                    new("SET LOCAL synchronous_commit = on"),
                    new("UPDATE journal_head SET epoch = substr(md5(random()::text || clock_timestamp()::text), 1, 6)"),
                    new("UPDATE moves SET finished = clock_timestamp()"),
                },
            };
            await finish.ExecuteNonQueryAsync(cancellation);
            await transaction.CommitAsync(cancellation);
        }

        // The database knows what it has before it is asked for the first time.
        await using NpgsqlCommand analyze = new("ANALYZE", database) { CommandTimeout = 0 };
        await analyze.ExecuteNonQueryAsync(cancellation);
    }
}
