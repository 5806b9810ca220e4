using System.Diagnostics;
using Npgsql;
using WebMessenger.Storage;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Reads from the database, on connections of a pool, on the thread of who reads. Thread-safe.</summary>
/// <remarks>
/// Each that reads or waits for a connection has a thread. So there are so many at most, and while the database cannot be reached one of
/// them finds out whether it is back, and the others are told at once.
/// </remarks>
internal sealed class PgReads(NpgsqlDataSource database, ReadGate gate)
{
    /// <summary>That read or wait at a time.</summary>
    public const int MostReaders = 256;

    // A connection of the pool may be of a database that has gone since, and says so with its next statement only.
    private const int Attempts = 3;

    // What took long is not tried again: who waits for it has waited.
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(1);

    private int _readers;
    private int _looksWhetherItIsBack;
    private volatile bool _isAway;

    /// <exception cref="StoreUnavailableException">The database is not there, or too many read.</exception>
    /// <exception cref="IOException">It refuses.</exception>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public T Read<T>(Func<NpgsqlConnection, T> read)
    {
        DiskReads.Assert();
        using var pass = gate.Enter();
        var looks = false;
        try
        {
            if (Interlocked.Increment(ref _readers) > /* guard: readers of the database that wait have a bound */ MostReaders)
            {
                throw StoreUnavailableException.OfDatabase("The database cannot be read: too many wait for it.");
            }

            if (_isAway)
            {
                looks = Interlocked.Exchange(ref _looksWhetherItIsBack, 1) == 0;
                if (/* guard: while the database is away one reader waits for it */ !looks)
                {
                    throw StoreUnavailableException.OfDatabase("The database cannot be read: it is away.");
                }
            }

            return ReadFromIt(read);
        }
        finally
        {
            Interlocked.Decrement(ref _readers);
            if (looks)
            {
                Volatile.Write(ref _looksWhetherItIsBack, 0);
            }
        }
    }

    /// <summary>Connections that wait in the pool may be dead without a word: those who read from now on take new ones.</summary>
    public void Renew() => database.Clear();

    private T ReadFromIt<T>(Func<NpgsqlConnection, T> read)
    {
        var began = Stopwatch.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var connection = Open();
                return read(connection);
            }
            catch (NpgsqlException error) when (error.LostConnection() && attempt < Attempts && Stopwatch.GetElapsedTime(began) < _soon)
            {
                database.Clear();
            }
            catch (Exception error) when (PgErrors.IsOf(error) && error is not LogDamagedException)
            {
                throw PgErrors.ToRead(error);
            }
        }
    }

    private NpgsqlConnection Open()
    {
        try
        {
            var connection = database.OpenConnection();
            _isAway = false;
            return connection;
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            // Those who read have all connections, which says nothing of the database.
            if (/* guard: a database that is busy is not away */ !error.IsBusy())
            {
                _isAway = true;
            }

            throw;
        }
    }
}
