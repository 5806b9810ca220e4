using System.Diagnostics;
using Npgsql;
using WebMessenger.Storage;

namespace WebMessenger.Cluster.Connections;

/// <summary>Reads of the database, each with a connection from the pool. Thread-safe.</summary>
/// <remarks>A connection that waited in the pool while the database was away is found out by the next read: that one is made once
/// more, unless it has waited long.</remarks>
internal sealed class PooledReads(NpgsqlDataSource database)
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(1);

    private volatile bool _isOver;

    /// <summary>Reads the rows of one command.</summary>
    /// <exception cref="IOException">The database cannot be read just now.</exception>
    /// <exception cref="ObjectDisposedException">It is over.</exception>
    public async Task<T> ReadAsync<T>(Func<NpgsqlCommand> command, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellation = default)
    {
        DiskReads.Assert();
        var began = Stopwatch.GetTimestamp();
        for (var isFirst = true; ; isFirst = false)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            try
            {
                await using var connection = await database.OpenConnectionAsync(cancellation);
                await using var asked = command();
                asked.Connection = connection;
                await using var reader = await asked.ExecuteReaderAsync(cancellation);
                return await read(reader);
            }
            catch (NpgsqlException error) when (isFirst && error.LostConnection() && Stopwatch.GetElapsedTime(began) < _soon)
            {
                database.Clear();
            }
            catch (Exception error) when (PgErrors.IsOf(error))
            {
                throw Failed(error);
            }
        }
    }

    /// <summary>The same for callers that wait.</summary>
    public T Read<T>(Func<NpgsqlCommand> command, Func<NpgsqlDataReader, T> read)
    {
        DiskReads.Assert();
        var began = Stopwatch.GetTimestamp();
        for (var isFirst = true; ; isFirst = false)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            try
            {
                using var connection = database.OpenConnection();
                using var asked = command();
                asked.Connection = connection;
                using var reader = asked.ExecuteReader();
                return read(reader);
            }
            catch (NpgsqlException error) when (isFirst && error.LostConnection() && Stopwatch.GetElapsedTime(began) < _soon)
            {
                database.Clear();
            }
            catch (Exception error) when (PgErrors.IsOf(error))
            {
                throw Failed(error);
            }
        }
    }

    /// <summary>Whoever reads from now on hears that it is over.</summary>
    public void End() => _isOver = true;

    private Exception Failed(Exception error) => _isOver ? new ObjectDisposedException(nameof(PooledReads)) : error.ToIOException();
}
