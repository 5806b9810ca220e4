using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Npgsql;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Search;

namespace WebMessenger.Cluster.Search;

/// <summary>An index in tables of PostgreSQL, by its full text search. All nodes ask; the one that has the duty feeds it.</summary>
/// <remarks>
/// Words are folded here and stored without a language. What was removed is found no more; when it leaves the database's files is the
/// database's business (its vacuum), as it is with the events themselves: so <see cref="Clean"/> has nothing to do, but looks whether the
/// index is still there.
/// </remarks>
internal sealed partial class PgSearchIndex : ISearchIndex
{
    private static readonly IndexPlace _nowhere = new("", 0);

    private readonly NpgsqlDataSource _database;
    private readonly ILogger _logger;
    private readonly PooledReads _reads;
    private readonly PgSearchWindows _windows;
    private volatile bool _isKnownLost;
    private volatile bool _isOver;

    private PgSearchIndex(NpgsqlDataSource database, ILogger logger)
    {
        (_database, _logger, _reads) = (database, logger, new PooledReads(database));
        _windows = new PgSearchWindows(_reads);
    }

    public event Action? Lost;

    public bool IsLost => Place.Identity.Length == 0;

    public long Bytes => Read("SELECT coalesce(pg_total_relation_size(to_regclass('search_entries')), 0)", reader => reader.Read() ? reader.GetInt64(0) : 0);

    public IndexPlace Place
    {
        get
        {
            try
            {
                return Read(
                    "SELECT identity, applied FROM search_state",
                    reader => reader.Read() ? new IndexPlace(reader.GetString(0), reader.GetInt64(1)) : _nowhere);
            }
            catch (IOException error) when (IsLoss(error))
            {
                return _nowhere;
            }
        }
    }

    /// <summary>The tables were made, by <see cref="Migrations.Schema"/>, or are made by <see cref="Clear"/>.</summary>
    /// <param name="database">Not disposed of with it.</param>
    /// <exception cref="IOException">The database is not there.</exception>
    public static PgSearchIndex Open(NpgsqlDataSource database, ILogger logger)
    {
        PgSearchIndex index = new(database, logger);
        index._isKnownLost = index.IsLost;
        return index;
    }

    public void Clear()
    {
        Write(connection =>
        {
            Run(connection, Step());
            Run(connection, "TRUNCATE search_entries, search_logs");
            using NpgsqlCommand state = new(
                "INSERT INTO search_state (identity, applied) VALUES ($1, 0) ON CONFLICT (one) DO UPDATE SET identity = EXCLUDED.identity, applied = 0", connection);
            state.Parameters.Add(new() { Value = RandomNumberGenerator.GetHexString(16, lowercase: true) });
            state.ExecuteNonQuery();
        });
        _windows.Forget();
        _isKnownLost = false;
    }

    public void Apply(IReadOnlyList<IndexChange> changes) => Write(connection =>
    {
        PgSearchChanges work = new(connection);
        work.Run(changes);
        using NpgsqlCommand state = new("UPDATE search_state SET applied = applied + 1 WHERE identity <> ''", connection);
        if (state.ExecuteNonQuery() == 0)
        {
            throw new TakenAwayException();
        }
    });

    public bool Clean(bool ofTables, out long written)
    {
        written = 0;
        ObjectDisposedException.ThrowIf(_isOver, typeof(ISearchIndex));
        var isLost = IsLost;
        if (isLost && !_isKnownLost)
        {
            throw Loss(new TakenAwayException());
        }

        _isKnownLost = isLost;
        return false;
    }

    public void Shrink() => ObjectDisposedException.ThrowIf(_isOver, typeof(ISearchIndex));

    public SearchFindings Find(SearchQuestion question, CancellationToken timeIsOver)
    {
        ObjectDisposedException.ThrowIf(_isOver, typeof(ISearchIndex));
        if (!question.HasWordsOnly || question.Words.Count == 0)
        {
            return new SearchFindings([], null, IsCut: false);
        }

        try
        {
            return new PgQuestion(_reads, _windows, question).Run(timeIsOver);
        }
        catch (IOException error) when (IsLoss(error))
        {
            return new SearchFindings([], null, IsCut: false);
        }
    }

    public void Dispose()
    {
        _isOver = true;
        _reads.End();
    }

    private static string Step()
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream("0003-search.sql")!);
        return reader.ReadToEnd();
    }

    private static void Run(NpgsqlConnection connection, string sql)
    {
        using NpgsqlCommand command = new(sql, connection);
        command.ExecuteNonQuery();
    }

    private static bool IsLoss(IOException error) => error is TakenAwayException || error.InnerException is PostgresException
    {
        SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted,
    };

    private T Read<T>(string sql, Func<NpgsqlDataReader, T> read)
    {
        ObjectDisposedException.ThrowIf(_isOver, typeof(ISearchIndex));
        return _reads.Read(() => new NpgsqlCommand(sql), read);
    }

    // One transaction, of one connection.
    private void Write(Action<NpgsqlConnection> write)
    {
        ObjectDisposedException.ThrowIf(_isOver, typeof(ISearchIndex));
        try
        {
            using var connection = _database.OpenConnection();
            using var transaction = connection.BeginTransaction();
            write(connection);
            transaction.Commit();
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            var failure = error.ToIOException();
            throw IsLoss(failure) ? Loss(failure) : failure;
        }
    }

    private SearchIndexLostException Loss(IOException error)
    {
        if (!_isKnownLost)
        {
            _isKnownLost = true;
            LogLost(_logger, error.Message);
            Lost?.Invoke();
        }

        return new SearchIndexLostException($"The search index is gone: {error.Message}", error);
    }

    [LoggerMessage(5201, LogLevel.Warning, "The search index in the database cannot be used and is made anew from the events, of which nothing is lost: {Reason}")]
    private static partial void LogLost(ILogger logger, string reason);

    private sealed class TakenAwayException() : IOException("Its tables were taken away or emptied.");
}
