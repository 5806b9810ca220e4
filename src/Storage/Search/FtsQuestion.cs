using System.Text;
using Microsoft.Data.Sqlite;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Search;

/// <summary>One question to a file, from the newest table back.</summary>
internal sealed class FtsQuestion : IDisposable
{
    private const int SeqsOfBlock = 256;
    private const int RowsBetweenLooks = 512;

    /// <summary>Of one table at a time, and then to the end of the block.</summary>
    private const int RowsAtOnce = 256;

    private readonly SqliteConnection _connection;
    private readonly SearchQuestion _question;
    private readonly SqliteCommand _findBlock;
    private readonly Dictionary<long, Found> _found = [];
    private readonly HashSet<long> _others = [];
    private readonly List<FtsPart> _parts = [];
    private readonly long _since;
    private readonly long _until;
    private int _hits;

    public FtsQuestion(SqliteConnection connection, SearchQuestion question)
    {
        (_connection, _question) = (connection, question);
        _since = question.Since?.ToUnixTimeMilliseconds() ?? long.MinValue;
        _until = question.Until?.ToUnixTimeMilliseconds() ?? long.MaxValue;
        _findBlock = FtsFile.Prepare(
            connection, "SELECT name, first, since, until FROM blocks JOIN logs ON logs.log=blocks.log WHERE block=$block", "$block");
    }

    public SearchFindings Run(CancellationToken timeIsOver)
    {
        if (!_question.HasWordsOnly)
        {
            return new SearchFindings([], null, IsCut: false);
        }

        // One state of the file for all that is read.
        FtsFile.Run(_connection, "BEGIN");
        try
        {
            return Read(Parts(), timeIsOver);
        }
        finally
        {
            _parts.ForEach(part => part.Dispose());
            FtsFile.Run(_connection, "COMMIT");
        }
    }

    public void Dispose() => _findBlock.Dispose();

    // What is newest is read first, wherever it lies: of a table only a stretch, then of the one that may have the newest of what is left.
    private SearchFindings Read(List<FtsPart> parts, CancellationToken timeIsOver)
    {
        PriorityQueue<FtsPart, long> left = new(parts.Select(part => (part, -part.Newest)));
        while (left.TryDequeue(out var part, out _))
        {
            // What was not read is not newer than this.
            var reached = part.Newest;
            if (HasEnough(reached))
            {
                return Findings(reached, isCut: false);
            }

            if (timeIsOver.IsCancellationRequested || !TryRead(part, timeIsOver))
            {
                return Findings(reached, isCut: true);
            }

            if (!part.IsRead)
            {
                left.Enqueue(part, -part.Newest);
            }
        }

        return Findings(null, isCut: false);
    }

    private bool HasEnough(long reached) =>
        _hits >= _question.Wanted && _found.Values.Where(found => found.Since > reached).Sum(found => found.Hits.Count) >= _question.Wanted;

    private SearchFindings Findings(long? wholeAfter, bool isCut) => new(
        [.. _found.Values.Select(found => new SearchStretch(found.Log, At(found.Since), At(found.Until), found.Hits))],
        wholeAfter is { } after ? At(after) : null,
        isCut);

    private List<FtsPart> Parts()
    {
        // Of one log the stretch of each table in which it lies.
        using var command = _question.Within is { } log
            ? FtsFile.Prepare(
                _connection,
                "SELECT part, max(until), min(block), max(block) FROM blocks WHERE log=(SELECT log FROM logs WHERE name=$log) AND until>=$since AND since<=$until GROUP BY part",
                "$since", "$until", "$log")
            : FtsFile.Prepare(_connection, "SELECT part, until FROM parts WHERE until>=$since AND since<=$until", "$since", "$until");
        command.Parameters[0].Value = _since;
        command.Parameters[1].Value = _until;
        if (_question.Within is { } within)
        {
            command.Parameters[2].Value = within.Value;
        }

        var match = Match(_question.Words);
        using var reader = command.ExecuteReader();
        List<FtsPart> parts = [];
        while (reader.Read())
        {
            (long, long)? rows = _question.Within is null ? null : (reader.GetInt64(2) * SeqsOfBlock, (reader.GetInt64(3) * SeqsOfBlock) + SeqsOfBlock - 1);
            parts.Add(new FtsPart(_connection, reader.GetInt64(0), match, reader.GetInt64(1), rows, _question.WithLengths));
        }

        _parts.AddRange(parts);
        return parts;
    }

    // Whole blocks, the newest first, until there are enough to look whether another table has newer ones.
    private bool TryRead(FtsPart part, CancellationToken timeIsOver)
    {
        var (block, rows) = (-1L, 0);
        Found? found = null;
        while (part.TryNext(out var row))
        {
            if (row.Id / SeqsOfBlock is var its && its != block)
            {
                if (rows >= RowsAtOnce)
                {
                    part.PutBack(row, its);
                    return true;
                }

                (block, found) = (its, BlockOf(its));
            }

            rows++;
            if (found is not null)
            {
                _hits++;
                found.Hits.Add(new SearchHit(found.First + (row.Id % SeqsOfBlock), row.Length));
            }

            if (rows % RowsBetweenLooks == 0 && timeIsOver.IsCancellationRequested)
            {
                return false;
            }
        }

        return true;
    }

    private Found? BlockOf(long block)
    {
        if (_found.TryGetValue(block, out var known))
        {
            return known;
        }

        if (_others.Contains(block))
        {
            return null;
        }

        _findBlock.Parameters[0].Value = block;
        using var reader = _findBlock.ExecuteReader();
        if (reader.Read() && reader.GetInt64(3) >= _since && reader.GetInt64(2) <= _until && LogName.Stored(reader.GetString(0)) is var log && _question.Covers(log))
        {
            return _found[block] = new Found(log, reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
        }

        _others.Add(block);
        return null;
    }

    // Quoted, so that nothing in a word is an operator.
    private static string Match(IReadOnlyList<SearchWord> words)
    {
        StringBuilder match = new();
        foreach (var word in words)
        {
            match.Append(match.Length == 0 ? "" : " AND ").Append('"').Append(word.Text).Append('"');
            match.Append(word.IsPrefix ? " *" : "");
        }

        return match.ToString();
    }

    private static DateTimeOffset At(long at) => DateTimeOffset.FromUnixTimeMilliseconds(
        Math.Clamp(at, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private sealed record Found(LogName Log, long First, long Since, long Until)
    {
        public List<SearchHit> Hits { get; } = [];
    }
}
