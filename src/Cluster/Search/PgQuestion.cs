using System.Text;
using Npgsql;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Cluster.Search;

/// <summary>One question, from the newest entry back: page by page, until there is enough.</summary>
internal sealed class PgQuestion(PooledReads reads, PgSearchWindows windows, SearchQuestion question)
{
    private const int SmallestPage = 512;
    private const int LargestPage = 10_000;

    /// <summary>Hits of a stretch: whoever reads them has its times for what he has not read.</summary>
    private const int HitsOfStretch = 64;

    private readonly int _page = Math.Clamp(question.Wanted, SmallestPage, LargestPage);
    private readonly long _since = question.Since?.ToUnixTimeMilliseconds() ?? long.MinValue;
    private readonly long _until = question.Until?.ToUnixTimeMilliseconds() ?? long.MaxValue;
    private readonly string _words = Words(question.Words);
    private readonly Dictionary<LogName, bool> _covered = [];
    private readonly Dictionary<LogName, List<Row>> _open = [];
    private readonly List<SearchStretch> _stretches = [];
    private readonly List<long> _times = [];

    public SearchFindings Run(CancellationToken timeIsOver)
    {
        // All that is newer was read.
        var whole = _until;
        Row? after = null;
        try
        {
            var all = question.Within is { } log ? WindowsOf(log) : Windows(timeIsOver);
            foreach (var window in all)
            {
                for (var isRead = false; !isRead;)
                {
                    timeIsOver.ThrowIfCancellationRequested();
                    var page = Read(window, after, timeIsOver);
                    page.ForEach(Add);
                    isRead = page.Count < _page;
                    if (page.Count > 0)
                    {
                        (after, whole) = (page[^1], page[^1].At);
                    }

                    if (!isRead && HasEnough(whole))
                    {
                        return Findings(whole, isCut: false);
                    }
                }

                whole = window.Log is null ? window.Since - 1 : whole;
                if (window != all[^1] && HasEnough(whole))
                {
                    return Findings(whole, isCut: false);
                }
            }
        }
        catch (OperationCanceledException) when (timeIsOver.IsCancellationRequested)
        {
            return Findings(whole, isCut: true);
        }

        return Findings(null, isCut: false);
    }

    // Hits that are newer than this are all there.
    private bool HasEnough(long after)
    {
        var newer = _times.Count;
        while (newer >= question.Wanted && newer > 0 && _times[newer - 1] <= after)
        {
            newer--;
        }

        return newer >= question.Wanted;
    }

    private SearchFindings Findings(long? wholeAfter, bool isCut)
    {
        foreach (var (log, rows) in _open)
        {
            Close(log, rows);
        }

        return new SearchFindings(_stretches, wholeAfter is { } after ? At(after) : null, isCut);
    }

    private void Add(Row row)
    {
        if (!_covered.TryGetValue(row.Log, out var isCovered))
        {
            _covered[row.Log] = isCovered = question.Covers(row.Log);
        }

        if (!isCovered)
        {
            return;
        }

        _times.Add(row.At);
        if (!_open.TryGetValue(row.Log, out var rows))
        {
            _open[row.Log] = rows = [];
        }

        rows.Add(row);
        if (rows.Count == HitsOfStretch)
        {
            Close(row.Log, rows);
            rows.Clear();
        }
    }

    private void Close(LogName log, List<Row> rows)
    {
        if (rows.Count > 0)
        {
            _stretches.Add(new SearchStretch(log, At(rows[^1].At), At(rows[0].At), rows.ConvertAll(row => new SearchHit(row.Seq, row.Length))));
        }
    }

    private List<Window> Windows(CancellationToken timeIsOver)
    {
        List<Window> all = [];
        var until = _until;
        foreach (var since in windows.SinceAsync(_until, timeIsOver).GetAwaiter().GetResult().Where(since => since > _since && since <= _until))
        {
            if (since <= until)
            {
                all.Add(new Window(null, since, until, long.MaxValue));
                until = since - 1;
            }
        }

        return _since <= until ? [.. all, new Window(null, _since, until, long.MaxValue, IsRest: all.Count > 0)] : all;
    }

    // Of one log in the order of seqs, which is that of times too.
    private List<Window> WindowsOf(LogName log)
    {
        if (reads.Read(
            () => Command("SELECT l.id, (SELECT max(e.seq) FROM search_entries e WHERE e.log_id = l.id) FROM search_logs l WHERE l.name = $1", log.Value),
            reader => reader.Read() && !reader.IsDBNull(1) ? (Id: reader.GetInt64(0), Newest: reader.GetInt64(1)) : default) is not { Id: > 0 } found)
        {
            return [];
        }

        List<Window> all = [];
        var to = found.Newest;
        foreach (var size in PgSearchWindows.Sizes.Where(size => size < found.Newest).Append(int.MaxValue))
        {
            var from = size == int.MaxValue ? 0 : found.Newest - size + 1;
            all.Add(new Window(found.Id, long.MinValue, _until, to, from));
            to = from - 1;
        }

        return all;
    }

    // By a call that can be broken off; who asks waits on a thread of the pool, as with a file.
    private List<Row> Read(Window window, Row? after, CancellationToken timeIsOver)
    {
        var rows = reads.ReadAsync(
            () => window.Log is { } log
                ? Command(
                    """
                    SELECT l.name, e.seq, e.at, e.length, e.log_id FROM (
                        SELECT log_id, seq, at, length FROM search_entries
                        WHERE log_id = $1 AND words @@ $2::tsquery AND seq BETWEEN $3 AND $4 AND at BETWEEN $5 AND $6 ORDER BY seq DESC LIMIT $7) e
                    JOIN search_logs l ON l.id = e.log_id
                    """,
                    log, _words, window.From, Math.Min(window.To, (after?.Seq ?? long.MaxValue) - 1), _since, window.Until, _page)
                : Command(
                    $"""
                    WITH hits AS {(window.IsRest ? "MATERIALIZED" : "NOT MATERIALIZED")} (
                        SELECT log_id, seq, at, length FROM search_entries WHERE words @@ $1::tsquery AND at BETWEEN $2 AND $3)
                    SELECT l.name, e.seq, e.at, e.length, e.log_id FROM (
                        SELECT log_id, seq, at, length FROM hits WHERE (at, log_id, seq) < ($4, $5, $6) ORDER BY at DESC, log_id DESC, seq DESC LIMIT $7) e
                    JOIN search_logs l ON l.id = e.log_id
                    """,
                    _words, window.Since, window.Until, after?.At ?? long.MaxValue, after?.LogId ?? long.MaxValue, after?.Seq ?? long.MaxValue, _page),
            async reader =>
            {
                List<Row> rows = [];
                while (await reader.ReadAsync(timeIsOver))
                {
                    rows.Add(new Row(LogName.Stored(reader.GetString(0)), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt32(3), reader.GetInt64(4)));
                }

                return rows;
            },
            timeIsOver).GetAwaiter().GetResult();

        // The names were put to them in no order.
        rows.Sort(static (one, other) => (other.At, other.LogId, other.Seq).CompareTo((one.At, one.LogId, one.Seq)));
        return rows;
    }

    private static NpgsqlCommand Command(string sql, params object[] values)
    {
        NpgsqlCommand command = new(sql);
        command.Parameters.AddRange(Array.ConvertAll(values, value => new NpgsqlParameter { Value = value }));
        return command;
    }

    // Quoted, so that nothing in a word is an operator.
    private static string Words(IReadOnlyList<SearchWord> words)
    {
        StringBuilder query = new();
        foreach (var word in words)
        {
            var folded = FoldedWords.OfWord(word.Text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
            query.Append(query.Length == 0 ? "" : " & ").Append('\'').Append(folded).Append('\'').Append(word.IsPrefix ? ":*" : "");
        }

        return query.ToString();
    }

    private static DateTimeOffset At(long at) => DateTimeOffset.FromUnixTimeMilliseconds(
        Math.Clamp(at, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private readonly record struct Row(LogName Log, long Seq, long At, int Length, long LogId);

    /// <param name="Log">Null: all of them, and the seqs mean nothing.</param>
    /// <param name="IsRest">
    /// Behind stretches that had too few hits, so few are here for what there is: found by their words, and never by walking through it.
    /// </param>
    private readonly record struct Window(long? Log, long Since, long Until, long To, long From = 0, bool IsRest = false);
}
