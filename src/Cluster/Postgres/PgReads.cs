using Npgsql;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Reads from the database, on connections of a pool, on the thread of who reads.</summary>
internal sealed class PgReads(NpgsqlDataSource database, ReadGate gate)
{
    // A connection of the pool may be of a database that has gone since, and says so with its next statement only.
    private const int Attempts = 3;

    /// <exception cref="IOException">The database is not there, or refuses.</exception>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public T Read<T>(Func<NpgsqlConnection, T> read)
    {
        DiskReads.Assert();
        using var pass = gate.Enter();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var connection = database.OpenConnection();
                return read(connection);
            }
            catch (NpgsqlException error) when (error.IsTransient && attempt < Attempts)
            {
                // Another one.
            }
            catch (Exception error) when (PgErrors.IsOf(error) && error is not LogDamagedException)
            {
                throw PgErrors.ToRead(error);
            }
        }
    }
}
