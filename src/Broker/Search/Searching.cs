using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Search;

/// <summary>One message that was found, as the log has it just now.</summary>
/// <param name="Ranges">Where in the text the words stand: start and length, in UTF-16 units.</param>
internal sealed record FoundMessage(EventStream Stream, LogEntry Entry, string Epoch, IReadOnlyList<(int Start, int Length)> Ranges);

/// <summary>One page of what was found.</summary>
/// <param name="Next">Where to go on; null: that is all.</param>
/// <param name="IsPartial">There was no time to look everywhere.</param>
internal sealed record SearchPage(IReadOnlyList<FoundMessage> Found, SearchCursor? Next, bool IsPartial);

/// <summary>Where the next page begins.</summary>
/// <param name="At">Newest first: at what is as new as this, or older; in ms since 1970.</param>
/// <param name="Skip">So many of these were shown. Best first: so many in all.</param>
internal readonly record struct SearchCursor(long At, int Skip)
{
    public static SearchCursor Start { get; } = new(long.MaxValue, 0);

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{At}.{Skip}");

    public static SearchCursor? Read(string text) => text.Split('.') is [var at, var skip]
        && long.TryParse(at, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var time)
        && time <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        && int.TryParse(skip, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var shown)
            ? new SearchCursor(time, shown) : null;
}

/// <summary>
/// Answers searches: the index says where to look, and what lies there is read from the log. So nobody is shown what was deleted, or what
/// he may not read by now, whatever the index has.
/// </summary>
internal sealed class Searching(
    ISearchIndex index, IEnumerable<ISearchedLogs> searched, IEventLog log, AccountDirectory accounts)
{
    /// <summary>Best first is: the best of so many, the newest.</summary>
    public const int NewestForBest = 10_000;

    /// <summary>Of those, so many are read to tell which are the best.</summary>
    private const int ReadForBest = 300;

    /// <summary>So many are read however late it is: what was found is shown, and not one of it.</summary>
    private const int ReadForBestAnyway = 100;

    /// <summary>Newest first: so many hits are asked for, of which some may be gone or not meant.</summary>
    private const int NewestAtOnce = 500;

    /// <summary>Messages that are read for one answer.</summary>
    private const int MostRead = 2_000;

    private readonly IEventLog _log = log;
    private readonly ISearchedLogs[] _searched = [.. searched];

    /// <summary>The newest first, from the cursor on.</summary>
    /// <param name="within">The one log that is searched; null: all that may be read.</param>
    public SearchPage Newest(SearchRequest request, LogName? within, LoginSession who, SearchCursor from, int limit, CancellationToken timeIsOver)
    {
        if (Prepare(request, within, who, timeIsOver) is not { } reading)
        {
            return new SearchPage([], null, IsPartial: false);
        }

        var findings = index.Find(reading.Ask(NewestAtOnce, from), timeIsOver);
        NewestFirst newest = new(findings.Stretches);
        var wholeAfter = findings.WholeAfter?.ToUnixTimeMilliseconds() ?? long.MinValue;
        List<FoundMessage> found = [];
        var (at, skip, skipped) = (from.At, from.Skip, 0);
        while (newest.Next(reading, wholeAfter) is { } message)
        {
            var its = message.Entry.At.ToUnixTimeMilliseconds();
            if (its > from.At || (its == from.At && skipped++ < from.Skip))
            {
                continue;
            }

            found.Add(message);
            (at, skip) = its == at ? (at, skip + 1) : (its, 1);
            if (found.Count == limit)
            {
                return new SearchPage(found, new SearchCursor(at, skip), findings.IsCut || reading.IsLate);
            }
        }

        if (reading.IsSpent && newest.Reached > wholeAfter)
        {
            wholeAfter = newest.Reached;
        }

        // What is older was not looked for. Where nothing was found and time is over, going on would find nothing either.
        var goesOn = wholeAfter != long.MinValue && (found.Count > 0 || wholeAfter < from.At);
        SearchCursor next = wholeAfter == at ? new(at, skip) : new(wholeAfter, 0);
        return new SearchPage(found, goesOn ? next : null, findings.IsCut || reading.IsLate);
    }

    /// <summary>The best of the newest: the short ones that have the very words, and of those the newest.</summary>
    /// <param name="lookingIsOver">From then on the best are chosen of what was come upon, in the time that is left.</param>
    public SearchPage Best(
        SearchRequest request, LogName? within, LoginSession who, SearchCursor from, int limit, CancellationToken lookingIsOver, CancellationToken timeIsOver)
    {
        if (Prepare(request, within, who, timeIsOver) is not { } reading)
        {
            return new SearchPage([], null, IsPartial: false);
        }

        var findings = index.Find(reading.Ask(NewestForBest, SearchCursor.Start) with { WithLengths = true }, lookingIsOver);
        var candidates = findings.Stretches.OrderByDescending(stretch => stretch.Until)
            .SelectMany(stretch => stretch.Hits.Select(hit => (stretch.Log, Hit: hit)))
            .Take(NewestForBest)
            .OrderBy(one => one.Hit.Length);
        List<(FoundMessage Message, int Score)> read = [];
        var late = 0;
        foreach (var one in candidates)
        {
            if (reading.Find(one.Log, one.Hit.Seq) is { } message)
            {
                // Long ones have a word by chance, and a word that goes on is another one.
                read.Add((message, (2 * FoundText.WholeWordsOf(FoundText.Of(message.Entry)!, request.Texts)) - one.Hit.Length));
            }

            if (read.Count == ReadForBest || (reading.IsSpent && ++late >= ReadForBestAnyway))
            {
                break;
            }
        }

        var best = read.OrderByDescending(one => one.Score).ThenByDescending(one => one.Message.Entry.At).Select(one => one.Message).ToList();
        List<FoundMessage> page = [.. best.Skip(from.Skip).Take(limit)];
        var shown = from.Skip + page.Count;
        return new SearchPage(page, shown < best.Count ? new SearchCursor(0, shown) : null, findings.IsCut || reading.IsLate);
    }

    private Reading? Prepare(SearchRequest request, LogName? within, LoginSession who, CancellationToken timeIsOver)
    {
        var author = request.From is null ? null
            : request.From == "me" ? who.Account
            : accounts.FindByUserName(request.From);
        return request.From is not null && author is null ? null : new Reading(this, request, within, who, author?.Id, timeIsOver);
    }

    private EventStream? FindReadable(LogName name, LoginSession who, bool isNamed)
    {
        var kind = Array.Find(_searched, kind => kind.Are(name));
        return kind?.FindReadable(name, who, isNamed);
    }

    /// <summary>Reads hits for one who asks.</summary>
    internal sealed class Reading(
        Searching searching, SearchRequest request, LogName? within, LoginSession who, string? author, CancellationToken timeIsOver)
    {
        private int _read;

        /// <summary>As much was read as is for one answer, or the time for it is over.</summary>
        public bool IsSpent => _read >= MostRead || timeIsOver.IsCancellationRequested;

        /// <summary>The time was over before all was looked at.</summary>
        public bool IsLate => timeIsOver.IsCancellationRequested;

        public SearchQuestion Ask(int wanted, SearchCursor from) => new(
            request.WordsFor(author), Covers, wanted, request.After,
            from.At == long.MaxValue ? request.Before : Earlier(request.Before, DateTimeOffset.FromUnixTimeMilliseconds(from.At)),
            Within: within);

        /// <summary>Null: it is none, by now.</summary>
        public FoundMessage? Find(LogName name, long seq)
        {
            _read++;
            if (searching.FindReadable(name, who, within is not null) is not { } stream)
            {
                return null;
            }

            return searching._log.FindReadable(name, seq) is var (entry, epoch) && Ranges(entry) is { } ranges
                ? new FoundMessage(stream, entry, epoch, ranges) : null;
        }

        private bool Covers(LogName name) => (within is null || within == name) && searching.FindReadable(name, who, within is not null) is not null;

        // What the index found may have another text by now, and the index knows no order of words.
        private List<(int Start, int Length)>? Ranges(in LogEntry entry) =>
            FoundText.Of(entry) is { } text
            && (author is null || entry.Author == author)
            && !(entry.At >= request.Before) && !(entry.At < request.After)
            && (!request.HasLink || SearchWords.HasLink(text)) ? FoundText.RangesOf(text, request.Texts) : null;

        private static DateTimeOffset Earlier(DateTimeOffset? one, DateTimeOffset other) => one < other ? one.Value : other;
    }
}
