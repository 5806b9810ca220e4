using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace WebMessenger.Storage.Search;

/// <summary>The file of an index: one connection that writes, and some that read.</summary>
/// <remarks>
/// Layout, version 3. Found is by `words_N`, tables of FTS5 that have no text, only which words are in which row. Each has so many entries
/// and words that it can be written anew in some 50 ms: that is how words leave the file.
/// A row is block × 256 + the entry's distance from the block's first seq.
/// Beginnings of two characters are in them, too: all words that go on so would be read for each question.
/// A block is a stretch of at most 256 seqs of one log, in one such table: so an entry costs no record of where it is.
/// </remarks>
internal sealed class FtsFile : IDisposable
{
    private const int Version = 3;
    private const int ApplicationId = 0x574D5331;

    private static readonly string[] _ours = ["logs", "parts", "blocks"];

    private readonly string _path;
    private readonly ConcurrentBag<SqliteConnection> _readers = [];
    private volatile bool _isDisposed;

    private FtsFile(string path, SqliteConnection writer)
    {
        (_path, Writer) = (path, writer);
        ReadPlace();
        HasRemoved = Number(writer, "SELECT count(*) FROM parts WHERE dirty>0") > 0;
    }

    /// <summary>For whoever changes the index.</summary>
    public SqliteConnection Writer { get; }

    public long Bytes => new[] { _path, _path + "-wal" }.Sum(path => File.Exists(path) ? new FileInfo(path).Length : 0);

    /// <exception cref="SqliteException">It cannot be opened, or is none.</exception>
    public static FtsFile Open(string path)
    {
        var writer = Connect(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            // Words that were removed are overwritten, and what was acknowledged survives a power cut: the follower's place does.
            Run(writer, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cache_size=-8192; PRAGMA busy_timeout=2000");
            if (Number(writer, "PRAGMA user_version") is not (0 or Version) || Number(writer, "PRAGMA application_id") is not (0 or ApplicationId))
            {
                throw new SqliteException("It is of another version.", SQLitePCL.raw.SQLITE_NOTADB);
            }

            Run(writer, $"""
                BEGIN IMMEDIATE;
                PRAGMA user_version={Version};
                PRAGMA application_id={ApplicationId};
                CREATE TABLE IF NOT EXISTS begun(identity TEXT, applied INTEGER);
                CREATE TABLE IF NOT EXISTS logs(log INTEGER PRIMARY KEY, name TEXT UNIQUE);
                CREATE TABLE IF NOT EXISTS parts(part INTEGER PRIMARY KEY, entries INTEGER, since INTEGER, until INTEGER, dirty INTEGER, bytes INTEGER);
                CREATE TABLE IF NOT EXISTS blocks(
                    block INTEGER PRIMARY KEY, log INTEGER, first INTEGER, last INTEGER, part INTEGER, since INTEGER, until INTEGER);
                CREATE INDEX IF NOT EXISTS blocks_of_log ON blocks(log, first);
                CREATE INDEX IF NOT EXISTS blocks_of_part ON blocks(part);
                COMMIT
                """);
            return new FtsFile(path, writer);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    public static void Delete(string path)
    {
        foreach (var file in new[] { path, path + "-wal", path + "-shm" })
        {
            // Whatever lies there.
            if (Directory.Exists(file))
            {
                Directory.Delete(file, recursive: true);
            }

            File.Delete(file);
        }
    }

    /// <summary>Which index it is; with an empty identity it has not been given anything yet, nor was it cleared.</summary>
    public IndexPlace Place { get; private set; }

    /// <summary>Words that were removed are still in a table.</summary>
    public bool HasRemoved { get; set; }

    /// <summary>As SQLite makes them.</summary>
    public const int PageBytes = 4096;

    /// <summary>Pages that were written since it was opened, to the file beside it: from there each goes on to this one.</summary>
    public int PagesWritten => SQLitePCL.raw.sqlite3_db_status(Writer.Handle!, SQLitePCL.raw.SQLITE_DBSTATUS_CACHE_WRITE, out var pages, out _, 0) == 0 ? pages : 0;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Run(Writer, "BEGIN IMMEDIATE");
        try
        {
            foreach (var part in Numbers(Writer, "SELECT part FROM parts"))
            {
                Run(Writer, $"DROP TABLE IF EXISTS words_{part}");
            }

            Run(Writer, string.Concat(_ours.Select(table => $"DELETE FROM {table};")) + $"DELETE FROM begun; INSERT INTO begun VALUES('{Guid.NewGuid():N}', 0); COMMIT");
        }
        catch
        {
            Rollback();
            throw;
        }

        HasRemoved = false;
        ReadPlace();
        Checkpoint();
    }

    /// <summary>As it is by now.</summary>
    public void ReadPlace()
    {
        using var command = Writer.CreateCommand();
        command.CommandText = "SELECT identity, applied FROM begun";
        using var reader = command.ExecuteReader();
        Place = reader.Read() ? new IndexPlace(reader.GetString(0), reader.GetInt64(1)) : new IndexPlace("", 0);
    }

    /// <summary>Gives back to the disk what is free.</summary>
    public void Shrink()
    {
        // It gives back a page with each step.
        _ = Numbers(Writer, "PRAGMA incremental_vacuum");
        Checkpoint();
    }

    /// <summary>What has gone may still be in the file beside it.</summary>
    public bool NeedsCheckpoint { get; private set; }

    /// <summary>Takes out of the file beside it what has gone. Waits for those who read, whose time is bounded; if that is not enough,
    /// it is for the next time.</summary>
    public void Checkpoint() => NeedsCheckpoint = Number(Writer, "PRAGMA wal_checkpoint(TRUNCATE)") != 0;

    public void Rollback()
    {
        try
        {
            Run(Writer, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // It has ended by itself.
        }
    }

    public SqliteConnection TakeReader()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(ISearchIndex));
        if (_readers.TryTake(out var reader))
        {
            return reader;
        }

        reader = Connect(_path, SqliteOpenMode.ReadOnly);
        Run(reader, "PRAGMA query_only=ON; PRAGMA cache_size=-4096");
        return reader;
    }

    public void Return(SqliteConnection reader)
    {
        _readers.Add(reader);
        if (_isDisposed)
        {
            CloseReaders();
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        CloseReaders();
        Writer.Dispose();
    }

    public static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is long number ? number : 0;
    }

    public static List<long> Numbers(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        List<long> numbers = [];
        while (reader.Read())
        {
            numbers.Add(reader.GetInt64(0));
        }

        return numbers;
    }

    /// <summary>A statement with these parameters, for many runs.</summary>
    public static SqliteCommand Prepare(SqliteConnection connection, string sql, params string[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        }

        return command;
    }

    private void CloseReaders()
    {
        while (_readers.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder
        {
            DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5,
        }.ConnectionString);
        connection.Open();
        return connection;
    }
}
