using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Search;

/// <summary>One list of changes, written to a file in one transaction.</summary>
internal sealed class FtsChanges(FtsFile file) : IDisposable
{
    private const int SeqsOfBlock = 256;

    private readonly SqliteConnection _connection = file.Writer;
    private readonly Dictionary<string, long> _logs = [];
    private readonly Dictionary<(long Part, bool Replaces), FtsInsert> _puts = [];
    private readonly Dictionary<long, SqliteCommand> _removals = [];
    private readonly SqliteCommand _find = FtsFile.Prepare(
        file.Writer, "SELECT block, first, last, part, since, until FROM blocks WHERE log=$log AND first<=$seq ORDER BY first DESC LIMIT 1", "$log", "$seq");

    private readonly SqliteCommand _findNext = FtsFile.Prepare(
        file.Writer, "SELECT min(first) FROM blocks WHERE log=$log AND first>$seq", "$log", "$seq");

    private readonly SqliteCommand _store = FtsFile.Prepare(
        file.Writer, "INSERT OR REPLACE INTO blocks(block, log, first, last, part, since, until) VALUES($block, $log, $first, $last, $part, $since, $until)",
        "$block", "$log", "$first", "$last", "$part", "$since", "$until");

    private readonly SqliteCommand _findWithin = FtsFile.Prepare(
        file.Writer, "SELECT block, first, part, last FROM blocks WHERE log=$log AND first<=$to AND last>=$from", "$log", "$to", "$from");

    private readonly List<long> _full = [];

    // Marked already: nothing is cleaned meanwhile.
    private readonly HashSet<long> _dirty = [];

    private FtsTable? _newest;
    private FtsBlock? _block;
    private long _nextBlock;

    public void Run(IReadOnlyList<IndexChange> changes)
    {
        FtsFile.Run(_connection, "BEGIN IMMEDIATE");
        try
        {
            _nextBlock = FtsFile.Number(_connection, "SELECT max(block) FROM blocks") + 1;
            foreach (var change in changes)
            {
                Do(change);
            }

            StoreBlock();
            StorePart();
            FtsFile.Run(_connection, "UPDATE begun SET applied=applied+1; COMMIT");
        }
        catch
        {
            file.Rollback();
            throw;
        }

        file.ReadPlace();
        foreach (var part in _full)
        {
            // Nothing new comes to it: one place to look in instead of several.
            Merge(part);
            file.Checkpoint();
        }
    }

    /// <summary>
    /// Takes the words that were removed out of the table that has had such for the longest time. False: none has.
    /// </summary>
    /// <param name="ofTables">False: only the file beside it is emptied, if it has to be.</param>
    public bool Clean(bool ofTables)
    {
        if (!file.HasRemoved && !file.NeedsCheckpoint)
        {
            return false;
        }

        if (ofTables && FtsFile.Numbers(_connection, "SELECT part FROM parts WHERE dirty>0 ORDER BY dirty LIMIT 1") is [var part])
        {
            var isEmpty = FtsFile.Number(_connection, $"SELECT count(*) FROM (SELECT 1 FROM words_{part}_docsize LIMIT 1)") == 0;
            if (isEmpty && part != FtsFile.Number(_connection, "SELECT max(part) FROM parts"))
            {
                Write($"DROP TABLE words_{part}; DELETE FROM blocks WHERE part={part}; DELETE FROM parts WHERE part={part}");
            }
            else
            {
                Merge(part);
            }
        }

        file.HasRemoved = FtsFile.Number(_connection, "SELECT count(*) FROM parts WHERE dirty>0") > 0;
        if (ofTables || file.NeedsCheckpoint)
        {
            file.Checkpoint();
        }

        return file.HasRemoved || file.NeedsCheckpoint;
    }

    public void Dispose()
    {
        foreach (var put in _puts.Values)
        {
            put.Dispose();
        }

        foreach (var command in _removals.Values.Append(_find).Append(_findNext).Append(_store).Append(_findWithin))
        {
            command.Dispose();
        }
    }

    private void Do(IndexChange change)
    {
        if (change is IndexChange.Put put)
        {
            Put(put);
        }
        else if (change is IndexChange.Remove remove && FindLog(remove.Log) is { } log)
        {
            StoreBlock();
            Remove(log, remove);
        }
    }

    private void Put(IndexChange.Put put)
    {
        var log = FindLog(put.Log) ?? AddLog(put.Log);
        var block = BlockFor(log, put.Seq);
        var mayBeThere = put.Seq <= block.Last;
        if (mayBeThere)
        {
            // Perhaps it was there with other words, which go with the whole table.
            MarkDirty(block.Part);
        }

        var words = Encoding.UTF8.GetBytes(put.Words);
        var at = put.At.ToUnixTimeMilliseconds();
        block.Last = Math.Max(block.Last, put.Seq);
        block.Since = Math.Min(block.Since, at);
        block.Until = Math.Max(block.Until, at);
        if (_newest is { } part && part.Number == block.Part)
        {
            part.Entries++;
            part.Bytes += words.Length;
            part.Since = Math.Min(part.Since, at);
            part.Until = Math.Max(part.Until, at);
        }

        PutInto(block.Part, mayBeThere).Run((block.Number * SeqsOfBlock) + put.Seq - block.First, words);
    }

    // A table that is full takes no new entries: so those of one table are of about one time.
    private FtsBlock BlockFor(long log, long seq)
    {
        if (_block is { } last && last.Log == log && seq >= last.First && seq < last.End
            && (seq <= last.Last || (last.Part == _newest?.Number && !_newest.IsFull)))
        {
            return last;
        }

        StoreBlock();
        _find.Parameters[0].Value = log;
        _find.Parameters[1].Value = seq;
        using (var reader = _find.ExecuteReader())
        {
            if (reader.Read())
            {
                _block = new FtsBlock(log, reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(3))
                {
                    End = EndOf(log, seq, reader.GetInt64(1)), Last = reader.GetInt64(2), Since = reader.GetInt64(4), Until = reader.GetInt64(5),
                };
            }
        }

        var newest = NewestPart();
        if (_block is { } found && seq < found.End && (seq <= found.Last || (found.Part == newest.Number && !newest.IsFull)))
        {
            return found;
        }

        if (newest.IsFull)
        {
            newest = AddPart(newest.Number + 1);
        }

        return _block = new FtsBlock(log, _nextBlock++, seq, newest.Number) { End = EndOf(log, seq, seq), Last = -1, Since = long.MaxValue, Until = long.MinValue };
    }

    // Before the next block of the log, if that begins sooner than this one is full.
    private long EndOf(long log, long seq, long first)
    {
        _findNext.Parameters[0].Value = log;
        _findNext.Parameters[1].Value = seq;
        return _findNext.ExecuteScalar() is long next ? Math.Min(next, first + SeqsOfBlock) : first + SeqsOfBlock;
    }

    private void Remove(long log, IndexChange.Remove remove)
    {
        List<FtsBlock> blocks = [];
        _findWithin.Parameters[0].Value = log;
        _findWithin.Parameters[1].Value = remove.To;
        _findWithin.Parameters[2].Value = remove.From;
        using (var reader = _findWithin.ExecuteReader())
        {
            while (reader.Read())
            {
                blocks.Add(new FtsBlock(log, reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)) { Last = reader.GetInt64(3) });
            }
        }

        foreach (var block in blocks)
        {
            var (from, to) = (Math.Max(remove.From, block.First) - block.First, Math.Min(remove.To, block.Last) - block.First);
            var removal = RemovalFrom(block.Part);
            removal.Parameters[0].Value = (block.Number * SeqsOfBlock) + from;
            removal.Parameters[1].Value = (block.Number * SeqsOfBlock) + to;
            removal.ExecuteNonQuery();
            MarkDirty(block.Part);
            if (remove.From <= block.First && remove.To >= block.Last)
            {
                Run($"DELETE FROM blocks WHERE block={block.Number}");
            }
        }

        if (remove.To == long.MaxValue && FtsFile.Number(_connection, $"SELECT count(*) FROM (SELECT 1 FROM blocks WHERE log={log} LIMIT 1)") == 0)
        {
            Run($"DELETE FROM logs WHERE log={log}");
            _logs.Remove(remove.Log.Value);
        }
    }

    // FTS5 leaves the words of removed rows where they are until the table is merged; what it then gives free, SQLite overwrites.
    private void Merge(long part) => Write($"INSERT INTO words_{part}(words_{part}) VALUES('optimize'); UPDATE parts SET dirty=0 WHERE part={part}");

    private void Write(FormattableString sql)
    {
        try
        {
            Run("BEGIN IMMEDIATE");
            Run(sql);
            Run("COMMIT");
        }
        catch
        {
            file.Rollback();
            throw;
        }
    }

    // With when it was: the next is as old as this one then.
    private void MarkDirty(long part)
    {
        file.HasRemoved = true;
        if (_dirty.Add(part))
        {
            Run($"UPDATE parts SET dirty={file.Place.Applied + 1} WHERE part={part} AND dirty=0");
        }
    }

    private long? FindLog(LogName name)
    {
        if (_logs.TryGetValue(name.Value, out var known))
        {
            return known;
        }

        using var find = FtsFile.Prepare(_connection, "SELECT log FROM logs WHERE name=$name", "$name");
        find.Parameters[0].Value = name.Value;
        return find.ExecuteScalar() is long log ? _logs[name.Value] = log : null;
    }

    private long AddLog(LogName name)
    {
        using var add = FtsFile.Prepare(_connection, "INSERT INTO logs(name) VALUES($name) RETURNING log", "$name");
        add.Parameters[0].Value = name.Value;
        return _logs[name.Value] = (long)add.ExecuteScalar()!;
    }

    private FtsTable NewestPart()
    {
        if (_newest is { } known)
        {
            return known;
        }

        using (var find = FtsFile.Prepare(_connection, "SELECT part, entries, since, until, bytes FROM parts ORDER BY part DESC LIMIT 1"))
        {
            using var reader = find.ExecuteReader();
            if (reader.Read())
            {
                return _newest = new FtsTable(reader.GetInt64(0))
                {
                    Entries = reader.GetInt64(1), Since = reader.GetInt64(2), Until = reader.GetInt64(3), Bytes = reader.GetInt64(4),
                };
            }
        }

        return AddPart(1);
    }

    private FtsTable AddPart(long number)
    {
        if (_newest is { } full)
        {
            _full.Add(full.Number);
        }

        StorePart();
        Run($"""
            CREATE VIRTUAL TABLE words_{number} USING fts5(
                words, content='', contentless_delete=1, detail=none, prefix='2', tokenize="unicode61 remove_diacritics 2 categories 'L* N* M* Co So'")
            """);

        // A table with removed words is written anew as a whole (Clean): to do that by and by as well costs four times as much.
        Run($"INSERT INTO words_{number}(words_{number}, rank) VALUES('deletemerge', 0)");
        Run($"INSERT INTO parts(part, entries, since, until, dirty, bytes) VALUES({number}, 0, {long.MaxValue}, {long.MinValue}, 0, 0)");
        return _newest = new FtsTable(number);
    }

    private void StoreBlock()
    {
        if (_block is not { } block)
        {
            return;
        }

        _block = null;
        long[] values = [block.Number, block.Log, block.First, block.Last, block.Part, block.Since, block.Until];
        for (var i = 0; i < values.Length; i++)
        {
            _store.Parameters[i].Value = values[i];
        }

        _store.ExecuteNonQuery();
    }

    private void StorePart()
    {
        if (_newest is { } part)
        {
            Run($"UPDATE parts SET entries={part.Entries}, bytes={part.Bytes}, since={part.Since}, until={part.Until} WHERE part={part.Number}");
        }
    }

    private FtsInsert PutInto(long part, bool replaces)
    {
        if (!_puts.TryGetValue((part, replaces), out var insert))
        {
            _puts[(part, replaces)] = insert = new FtsInsert(_connection, part, replaces);
        }

        return insert;
    }

    private SqliteCommand RemovalFrom(long part)
    {
        if (!_removals.TryGetValue(part, out var command))
        {
            _removals[part] = command = FtsFile.Prepare(
                _connection, $"DELETE FROM words_{part} WHERE rowid BETWEEN $from AND $to", "$from", "$to");
        }

        return command;
    }

    private void Run(FormattableString sql) => FtsFile.Run(_connection, sql.ToString(CultureInfo.InvariantCulture));

    private void Run(string sql) => FtsFile.Run(_connection, sql);
}
