using System.Globalization;
using Microsoft.Data.Sqlite;

namespace WebMessenger.Storage.Search;

/// <summary>What one table has for one question, read as far as it is needed, the newest block first.</summary>
/// <param name="newest">No row of it is newer (ms).</param>
/// <param name="rows">Those that are looked at, both among them; null: all.</param>
internal sealed class FtsPart(SqliteConnection connection, long number, string match, long newest, (long From, long To)? rows, bool withLengths) : IDisposable
{
    private SqliteCommand? _command;
    private SqliteDataReader? _reader;
    private Row? _putBack;

    // Of the blocks that were not come to when it was first left: the number of each, and how new this and all before it are at most.
    private List<(long Block, long Newest)>? _left;

    /// <summary>No row that was not read yet is newer (ms).</summary>
    public long Newest { get; private set; } = newest;

    /// <summary>There are no more.</summary>
    public bool IsRead { get; private set; }

    public bool TryNext(out Row row)
    {
        if (_putBack is { } before)
        {
            (row, _putBack) = (before, null);
            return true;
        }

        _reader ??= Ask();
        IsRead = !_reader.Read();
        row = IsRead ? default : new Row(_reader.GetInt64(0), withLengths ? Length(_reader) : 0);
        return !IsRead;
    }

    /// <summary>The first of a block that is read another time.</summary>
    public void PutBack(Row row, long block)
    {
        _putBack = row;
        _left ??= BlocksUpTo(block);
        var at = _left.BinarySearch((block, long.MaxValue));
        Newest = Math.Min(Newest, (at < 0 ? ~at : at) is > 0 and var behind ? _left[behind - 1].Newest : long.MinValue);
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _command?.Dispose();
    }

    private SqliteDataReader Ask()
    {
        _command = FtsFile.Prepare(
            connection,
            string.Create(CultureInfo.InvariantCulture, $"""
                SELECT words_{number}.rowid{(withLengths ? ", sz" : "")} FROM words_{number}
                {(withLengths ? $"JOIN words_{number}_docsize ON id=words_{number}.rowid" : "")}
                WHERE words_{number} MATCH $match
                {(rows is { } some ? $"AND words_{number}.rowid BETWEEN {some.From} AND {some.To}" : "")}
                ORDER BY words_{number}.rowid DESC
                """),
            "$match");
        _command.Parameters[0].Value = match;
        return _command.ExecuteReader();
    }

    private List<(long Block, long Newest)> BlocksUpTo(long block)
    {
        using var command = FtsFile.Prepare(connection, "SELECT block, until FROM blocks WHERE part=$part AND block<=$block ORDER BY block", "$part", "$block");
        command.Parameters[0].Value = number;
        command.Parameters[1].Value = block;
        using var reader = command.ExecuteReader();
        List<(long Block, long Newest)> blocks = [];
        for (var until = long.MinValue; reader.Read();)
        {
            blocks.Add((reader.GetInt64(0), until = Math.Max(until, reader.GetInt64(1))));
        }

        return blocks;
    }

    // A varint; more than two bytes has no message.
    private static int Length(SqliteDataReader reader) => reader.GetFieldValue<byte[]>(1) switch
    {
        [>= 0x80 and var high, var low, ..] => ((high & 0x7F) << 7) | (low & 0x7F),
        [var one, ..] => one,
        _ => 0,
    };

    /// <param name="Id">Block × 256 + distance.</param>
    /// <param name="Length">How many words it has; 0: that was not asked for.</param>
    internal readonly record struct Row(long Id, int Length);
}
