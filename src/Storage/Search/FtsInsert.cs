using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace WebMessenger.Storage.Search;

/// <summary>Puts rows into one table of words.</summary>
/// <remarks>By SQLite's own functions: a command of the library costs as much again as a short row, and each message is one.</remarks>
internal sealed class FtsInsert : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <param name="replaces">
    /// In place of those with the same number. FTS5 looks each up and removes it, which is half of what a row costs.
    /// </param>
    /// <exception cref="SqliteException">There is no such table, or the file is damaged.</exception>
    public FtsInsert(SqliteConnection connection, long part, bool replaces)
    {
        _database = connection.Handle ?? throw new InvalidOperationException("The connection is closed.");
        Check(raw.sqlite3_prepare_v2(
            _database, string.Create(CultureInfo.InvariantCulture, $"INSERT {(replaces ? "OR REPLACE " : "")}INTO words_{part}(rowid, words) VALUES(?, ?)"), out _statement));
    }

    /// <param name="words">In UTF-8.</param>
    /// <exception cref="SqliteException">It cannot be written.</exception>
    public void Run(long row, ReadOnlySpan<byte> words)
    {
        Check(raw.sqlite3_bind_int64(_statement, 1, row));
        Check(raw.sqlite3_bind_text(_statement, 2, words));
        var outcome = raw.sqlite3_step(_statement);

        // It says the same again, and is good for the next one.
        _ = raw.sqlite3_reset(_statement);
        if (outcome != raw.SQLITE_DONE)
        {
            Check(outcome);
        }
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int outcome) => SqliteException.ThrowExceptionForRC(outcome, _database);
}
