using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Search;

/// <summary>How far the making of the index has come.</summary>
/// <param name="Done">Events that were looked at, of <paramref name="Total"/>.</param>
internal readonly record struct SearchProgress(bool IsBuilding, long Done, long Total);

/// <summary>
/// Feeds the index with what is said: a message is found half a second after it was stored, and what was edited, deleted or dropped is in
/// the index's files no more.
/// </summary>
/// <remarks>
/// Which index it is and how far it has come is a record, too (`search`: applied(8) identity): so another file in its place is found out.
/// What it gives the index is the log as it is by then; given twice it comes out the same.
/// Its memory is one page of a log and what one change of the index holds, however far behind it is. Too far behind, the journal says
/// so, and it begins from the logs; the index answers with what it has by then.
/// </remarks>
internal sealed partial class SearchFollower : IFollower
{
    private const int EventsAtOnce = 1_000;

    /// <summary>One transaction of the index, with its sync.</summary>
    private const int ChangesAtOnce = 5_000;

    /// <summary>So many are remembered, in some 300 kB.</summary>
    private const int AuthorsAtOnce = 2_000;

    private static readonly byte[] s_placeKey = "search"u8.ToArray();

    private readonly ISearchIndex _index;
    private readonly IEventLog _log;
    private readonly IJournal _journal;
    private readonly ISearchedLogs[] _searched;
    private readonly ILogger<SearchFollower> _logger;
    private readonly List<IndexChange> _changes = [];
    private readonly HashSet<LogName> _told = [];
    private readonly Dictionary<string, string> _authors = [];
    private TaskCompletionSource _mustBegin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IndexPlace _noted;
    private long _done;
    private long _total;
    private volatile bool _isBuilding;

    public SearchFollower(
        ISearchIndex index, IEventLog log, IJournal journal, IRecords records, IEnumerable<ISearchedLogs> searched, ILogger<SearchFollower> logger)
    {
        (_index, _log, _journal, _searched, _logger) = (index, log, journal, [.. searched], logger);
        index.Lost += BeginAgain;
        _noted = index.Place;
        if (index.IsLost)
        {
            BeginAgain();
        }
        else if (/* guard: an older index is told */ !HasAllOf(index.Place, records.Find(s_placeKey)))
        {
            LogOther(logger);
            BeginAgain();
        }
    }

    public string Name => "search";

    public TimeSpan Gathers => TimeSpan.FromMilliseconds(500);

    public Task? MustBegin => Volatile.Read(ref _mustBegin).Task;

    public SearchProgress Progress => new(_isBuilding || MustBegin!.IsCompleted, Interlocked.Read(ref _done), Interlocked.Read(ref _total));

    /// <summary>Has the index made anew, from the logs.</summary>
    public void BeginAgain() => Volatile.Read(ref _mustBegin).TrySetResult();

    public Task ForgetAsync(CancellationToken cancellation)
    {
        _isBuilding = true;
        _changes.Clear();
        Interlocked.Exchange(ref _done, 0);
        Interlocked.Exchange(ref _total, CountEvents(cancellation));
        _index.Clear();
        Volatile.Write(ref _mustBegin, new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (_index.IsLost)
        {
            BeginAgain();
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation)
    {
        _isBuilding = true;
        if (IsSearched(log))
        {
            Put(log, 1, long.MaxValue, cancellation);
            Write();
        }

        return Task.FromResult(Note());
    }

    public void HasBegun()
    {
        _isBuilding = false;
        _index.Shrink();
        LogBuilt(_logger, Interlocked.Read(ref _done));
    }

    public Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation)
    {
        // What was gathered and not written comes again; another node may have written newer since.
        _changes.Clear();
        foreach (var change in batches.ByLog().Where(change => IsSearched(change.Log)))
        {
            cancellation.ThrowIfCancellationRequested();
            switch (change.Kind)
            {
                case JournalKind.Append or JournalKind.Replace:
                    Put(change.Log, change.From, change.To, cancellation);
                    break;
                case JournalKind.Truncate:
                    _changes.Add(new IndexChange.Remove(change.Log, 0, change.To));
                    break;
                case JournalKind.Drop:
                    _changes.Add(new IndexChange.Remove(change.Log, 0, long.MaxValue));
                    break;
                default:
                    throw new InvalidOperationException($"{change.Kind}");
            }
        }

        Write();
        return Task.FromResult(Note());
    }

    // The index is never behind what the store says of it, for that is written after it. So one that is, is an older one.
    private static bool HasAllOf(IndexPlace place, byte[]? noted) => noted is null
        ? place.Applied == 0
        : noted.Length >= sizeof(long)
            && Encoding.ASCII.GetString(noted.AsSpan(sizeof(long))) == place.Identity
            && BinaryPrimitives.ReadInt64BigEndian(noted) <= place.Applied;

    // In the batch of the follower's own place.
    private IReadOnlyList<RecordChange> Note()
    {
        var place = _index.Place;
        if (place == _noted)
        {
            return [];
        }

        _noted = place;
        var value = new byte[sizeof(long) + place.Identity.Length];
        BinaryPrimitives.WriteInt64BigEndian(value, place.Applied);
        Encoding.ASCII.GetBytes(place.Identity, value.AsSpan(sizeof(long)));
        return [new RecordChange(s_placeKey, value)];
    }

    private bool IsSearched(LogName log) => Array.Exists(_searched, searched => searched.Are(log));

    // What is there by now of these. A body that is no message any more is found by nothing.
    private void Put(LogName log, long from, long to, CancellationToken cancellation)
    {
        try
        {
            to = Math.Min(to, _log.Head(log).Head);
            while (from <= to)
            {
                cancellation.ThrowIfCancellationRequested();
                var most = (int)Math.Min(EventsAtOnce, to - from + 1);
                var entries = _log.ReadReadable(log, from - 1, most, out var leftOut);
                if (leftOut is not null)
                {
                    TellLeftOut(log, leftOut);
                }

                foreach (var entry in entries.TakeWhile(entry => entry.Seq <= to))
                {
                    Put(log, entry);
                }

                Interlocked.Add(ref _done, _isBuilding ? entries.Count : 0);
                if (leftOut is null && entries.Count == 0)
                {
                    return;
                }

                from = leftOut is null ? entries[^1].Seq + 1 : from + most;
            }
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            // Not even its head can be read.
            TellLeftOut(log, error);
        }
    }

    private void TellLeftOut(LogName log, LogDamagedException error)
    {
        if (_told.Add(log))
        {
            LogLeftOut(_logger, log, error.Message);
        }
    }

    private void Put(LogName log, in LogEntry entry)
    {
        var text = EventBody.TypeOf(entry.Body.Span) == EventType.Message ? EventBody.TextOf(entry.Body.Span) : null;
        if (text is not null)
        {
            _changes.Add(new IndexChange.Put(log, entry.Seq, entry.At, SearchWords.OfMessage(AuthorOf(entry), text)));
        }
        else if (!_isBuilding && EventBody.TypeOf(entry.Body.Span) == EventType.Removed)
        {
            Remove(log, entry.Seq);
        }

        if (_changes.Count >= ChangesAtOnce)
        {
            Write();
        }
    }

    // Few people say most of what is said.
    private string AuthorOf(in LogEntry entry)
    {
        if (_authors.TryGetValue(entry.Author, out var known))
        {
            return known;
        }

        if (_authors.Count >= AuthorsAtOnce)
        {
            _authors.Clear();
        }

        return _authors[entry.Author] = SearchWords.OfAuthor(entry.Author);
    }

    // With the one before it, where that is the neighbour.
    private void Remove(LogName log, long seq)
    {
        if (_changes is [.., IndexChange.Remove last] && last.Log == log && last.To == seq - 1)
        {
            _changes[^1] = last with { To = seq };
        }
        else
        {
            _changes.Add(new IndexChange.Remove(log, seq, seq));
        }
    }

    private void Write()
    {
        if (_changes.Count > 0)
        {
            _index.Apply(_changes);
            _changes.Clear();
        }
    }

    private long CountEvents(CancellationToken cancellation)
    {
        var total = 0L;
        for (LogName? last = null; _journal.ReadLogs(last, EventsAtOnce) is { Count: > 0 } logs; last = logs[^1])
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var log in logs.Where(IsSearched))
            {
                try
                {
                    var head = _log.Head(log);
                    total += head.Head == 0 ? 0 : head.Head - Math.Max(1, head.First) + 1;
                }
                catch (LogDamagedException)
                {
                    // It is left out, and said when it is come to.
                }
            }
        }

        return total;
    }

    [LoggerMessage(3720, LogLevel.Information, "The search index was made anew, of {Events} events")]
    private static partial void LogBuilt(ILogger logger, long events);

    [LoggerMessage(3721, LogLevel.Error, "What is said in {Log} is not found by searching, for the log cannot be read: {Reason}")]
    private static partial void LogLeftOut(ILogger logger, LogName log, string reason);

    [LoggerMessage(3722, LogLevel.Warning, "The search index is not the one that was kept with these events, or an older one of it, and is made anew from them")]
    private static partial void LogOther(ILogger logger);
}
