using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.Search;

/// <summary>An index in one file of SQLite, by FTS5.</summary>
public sealed partial class FtsSearchIndex : ISearchIndex
{
    private const string FileName = "index.db";

    // Held while it is changed: SQLite does not bear to be closed meanwhile.
    private readonly Lock _changing = new();
    private readonly string _folder;
    private readonly string _path;
    private readonly ILogger _logger;
    private volatile FtsFile? _file;
    private volatile bool _isLost;
    private volatile bool _isDisposed;

    private FtsSearchIndex(string folder, ILogger logger) => (_folder, _path, _logger) = (folder, Path.Combine(folder, FileName), logger);

    public event Action? Lost;

    public bool IsLost => _isLost;

    public long Bytes => _file?.Bytes ?? 0;

    public IndexPlace Place => _file is { } file && !_isLost ? file.Place : new IndexPlace("", 0);

    /// <summary>Pages of the file that were written since it was opened.</summary>
    internal int PagesWritten => _file?.PagesWritten ?? 0;

    /// <summary>
    /// Opens what is in the folder, or begins anew there, whatever lies in its place. Where neither can be done it is lost, and
    /// <see cref="Clear"/> tries again: nothing of it keeps a program from starting.
    /// </summary>
    public static FtsSearchIndex Open(string folder, ILogger logger)
    {
        FtsSearchIndex index = new(folder, logger) { _isLost = true };
        try
        {
            Directory.CreateDirectory(folder);
            index._file = FtsFile.Open(index._path);
            index._isLost = index._file.Place.Identity == "";
        }
        catch (Exception error) when (IsOfDisk(error))
        {
            LogLost(logger, error.Message);
            try
            {
                index.BeginAnew();
            }
            catch (Exception again) when (IsOfDisk(again))
            {
                // It is told already, and again by who feeds it, while that fails.
            }
        }

        return index;
    }

    public void Clear() => Change(file => file.Clear(), isClearing: true);

    public void Apply(IReadOnlyList<IndexChange> changes) => Change(file =>
    {
        using FtsChanges work = new(file);
        work.Run(changes);
    });

    public bool Clean(bool ofTables, out long written)
    {
        lock (_changing)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(ISearchIndex));
            var (goesOn, before) = (false, PagesWritten);
            if (!_isLost)
            {
                ChangeAlone(
                    file =>
                    {
                        using FtsChanges work = new(file);
                        goesOn = work.Clean(ofTables);
                    },
                    isClearing: false);
            }

            // Each page twice: beside the file, and in it.
            written = Math.Max(0, PagesWritten - before) * 2L * FtsFile.PageBytes;
            return goesOn;
        }
    }

    public void Shrink() => Change(file => file.Shrink());

    public SearchFindings Find(SearchQuestion question, CancellationToken timeIsOver)
    {
        DiskReads.Assert();
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(ISearchIndex));
        if (_file is not { } file || _isLost)
        {
            return new SearchFindings([], null, IsCut: false);
        }

        SqliteConnection? reader = null;
        try
        {
            reader = file.TakeReader();
            SearchFindings findings;
            using (FtsQuestion asked = new(reader, question))
            {
                findings = asked.Run(timeIsOver);
            }

            file.Return(reader);
            reader = null;
            return findings;
        }
        catch (SqliteException error)
        {
            throw Failed(error);
        }
        catch (ObjectDisposedException) when (!_isDisposed)
        {
            // It was lost just now, and is made anew.
            return new SearchFindings([], null, IsCut: false);
        }
        finally
        {
            // Whatever was thrown, whom it asks for the right to read among that: one that is good goes back.
            reader?.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_changing)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _file?.Dispose();
            }
        }
    }

    private void Change(Action<FtsFile> change, bool isClearing = false)
    {
        lock (_changing)
        {
            ChangeAlone(change, isClearing);
        }
    }

    // Under _changing.
    private void ChangeAlone(Action<FtsFile> change, bool isClearing)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(ISearchIndex));
        try
        {
            if (isClearing && (_isLost || _file is null))
            {
                // What is lost may be damaged in a place that is not read now.
                BeginAnew();
            }

            if (!_isLost && !File.Exists(_path))
            {
                // What is written to a file that was taken away is found by nobody.
                throw Failed(new SqliteException("It was taken away.", SQLitePCL.raw.SQLITE_NOTADB));
            }

            change(_file ?? throw new IOException("There is no search index."));
            _isLost &= !isClearing;
        }
        catch (SqliteException error)
        {
            throw Failed(error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    private void BeginAnew()
    {
        _isLost = true;
        _file?.Dispose();
        _file = null;
        if (File.Exists(_folder))
        {
            File.Delete(_folder);
        }

        Directory.CreateDirectory(_folder);
        FtsFile.Delete(_path);
        _file = FtsFile.Open(_path);
    }

    private IOException Failed(SqliteException error)
    {
        if (!IsDamage(error) && File.Exists(_path))
        {
            return new IOException($"The search index fails: {error.Message}", error);
        }

        if (!_isLost)
        {
            _isLost = true;
            LogLost(_logger, error.Message);
            Lost?.Invoke();
        }

        return new SearchIndexLostException($"The search index is damaged: {error.Message}", error);
    }

    private static bool IsOfDisk(Exception error) => error is SqliteException or IOException or UnauthorizedAccessException;

    // Also a table of ours that is not there, and a row twice.
    private static bool IsDamage(SqliteException error) =>
        error.SqliteErrorCode is SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CONSTRAINT
        || error.Message.Contains("no such table", StringComparison.Ordinal);

    [LoggerMessage(420, LogLevel.Warning, "The search index cannot be used and is made anew from the events, of which nothing is lost: {Reason}")]
    private static partial void LogLost(ILogger logger, string reason);
}
