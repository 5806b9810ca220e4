using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Retention;

/// <summary>
/// Has what is kept no more really go: by the rules of each room, and by the operator's bound for all that is said. At the start, every
/// <see cref="BrokerSettings.RetentionEveryMinutes"/>, and at once where a room's rules keep less than before.
/// </summary>
/// <remarks>
/// A task of its own, which holds no lock and waits for nobody's turn. Where to cut it finds anew each time: it has nothing to remember
/// that a kill could make wrong.
/// </remarks>
internal sealed partial class RetentionWork(
    RoomDirectory rooms,
    ShortenedRooms shortened,
    IEventLog log,
    IJournal journal,
    ILogSpace space,
    FreedSpace indexSpace,
    PurgeService purge,
    Shortening shortening,
    BrokerSettings settings,
    TimeProvider time,
    ILogger<RetentionWork> logger,
    IDuties? duties = null) : ScheduledWork(duties ?? AloneDuties.Instance)
{
    /// <summary>For so many logs it is remembered how much of them went. The daily purge sees to the others.</summary>
    internal const int MostOwed = 1_000;

    private const int LogsAtOnce = 1_000;

    /// <summary>For less the files of a log are not written anew: the daily purge does it.</summary>
    private const long WorthGivingBack = 10_000;

    // How many events went since the last purge, which may still be in the files. After a start the daily purge sees to it.
    private readonly Dictionary<LogName, long> _owed = [];
    private int _purges;

    // Up to there the search index has to follow before its space can be given back; null: it is.
    private JournalPosition? _indexOwes;
    private readonly HashSet<LogName> _told = [];

    protected override async Task WorkAsync(CancellationToken over)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMinutes(settings.RetentionEveryMinutes), time);
        var isRound = true;
        var tick = timer.WaitForNextTickAsync(over).AsTask();
        try
        {
            while (true)
            {
                await WorkAsync(isRound ? null : shortened.Take(), over);
                await Task.WhenAny(tick, shortened.WhenNotedAsync());
                isRound = tick.IsCompleted;
                if (isRound)
                {
                    await tick;
                    tick = timer.WaitForNextTickAsync(over).AsTask();
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The end.
        }
    }

    /// <summary>Removes what is kept no more, and gives its space back. What fails is told by the log, and left to the next time.</summary>
    /// <param name="of">These rooms; null: everything.</param>
    internal async Task WorkAsync(IReadOnlyCollection<Room>? of, CancellationToken cancellation)
    {
        try
        {
            // It reads the disk, and waits for it.
            await Task.Run(() => of is null ? RoundAsync(cancellation) : RoomsAsync(of, cancellation), cancellation);
            await Task.Run(() => GiveBackAsync(cancellation), cancellation);
        }
        catch (IOException error)
        {
            // The next round finds what is left.
            LogFailed(logger, error.Message);
        }
    }

    private async Task RoundAsync(CancellationToken cancellation)
    {
        ForgetPurged();
        shortening.KeepCountsOf(rooms.All.Where(room => room.Record.Policy.Retention.Messages > 0).Select(room => room.Log).ToHashSet());
        if (settings.RetentionDaysAtMost == 0)
        {
            await RoomsAsync([.. rooms.All], cancellation);
            return;
        }

        for (LogName? last = null; journal.ReadLogs(last, LogsAtOnce) is { Count: > 0 } logs; last = logs[^1])
        {
            foreach (var name in logs)
            {
                await ShortenAsync(name, cancellation);
            }
        }
    }

    private async Task RoomsAsync(IReadOnlyCollection<Room> of, CancellationToken cancellation)
    {
        foreach (var room in of.Where(room => !room.IsDeleted))
        {
            await ShortenAsync(room.Log, cancellation);
        }
    }

    // As the rules of its room are now, which its owner may change at any time.
    private RetentionPolicy KeptOf(LogName name)
    {
        var room = name.RoomKey is { } key ? rooms.FindByKey(key) : null;
        return (room is { IsDeleted: false } ? room.Record.Policy.Retention : new RetentionPolicy()).Within(settings.RetentionDaysAtMost);
    }

    private async Task ShortenAsync(LogName name, CancellationToken cancellation)
    {
        if (KeptOf(name).IsForEver)
        {
            return;
        }

        try
        {
            var began = time.GetTimestamp();
            if (await shortening.ShortenAsync(name, () => KeptOf(name), cancellation) is > 0 and var gone)
            {
                Owe(name, gone);
                LogGone(logger, gone, name, time.GetElapsedTime(began).TotalSeconds);
            }
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            // Or it would never come to the others.
            if (_told.Add(name))
            {
                LogLeftOut(logger, name, error.Message);
            }
        }
    }

    private void Owe(LogName name, long gone)
    {
        _owed[name] = _owed.GetValueOrDefault(name) + gone;
        if (_owed.Count > MostOwed)
        {
            _owed.Remove(_owed.MinBy(owed => owed.Value).Key);
        }
    }

    // A log's files are read and written as a whole, so not for a little of it.
    private async Task GiveBackAsync(CancellationToken cancellation)
    {
        foreach (var (name, gone) in _owed.Where(owed => owed.Value >= WorthGivingBack).ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                await GiveBackAsync(name, gone, cancellation);
            }
            catch (IOException error)
            {
                // The next round tries again. The other logs are not kept waiting by this one.
                LogNotGivenBack(logger, name, error.Message);
            }
        }

        if (_indexOwes is { } place && await indexSpace.TryGiveBackAsync(place, cancellation))
        {
            _indexOwes = null;
        }
    }

    private async Task GiveBackAsync(LogName name, long gone, CancellationToken cancellation)
    {
        var head = log.Head(name);
        if (head.Head == 0)
        {
            // It was dropped, and the daily purge takes all of it.
            _owed.Remove(name);
        }
        else if (gone >= (head.Head - head.First + 1) / 4)
        {
            await space.GiveBackAsync(name, cancellation);
            _owed.Remove(name);
            _indexOwes = journal.ReadJournal(null, 1).Next;
        }
    }

    // What a purge has taken is owed no more.
    private void ForgetPurged()
    {
        if (purge.Look().Times is var purges && purges != _purges)
        {
            _purges = purges;
            _owed.Clear();
        }
    }

    [LoggerMessage(
        3740, LogLevel.Information, "{Events} events of {Log} were kept for as long as the rules say, and are gone, in {Seconds:F1} s")]
    private static partial void LogGone(ILogger logger, long events, LogName log, double seconds);

    [LoggerMessage(3741, LogLevel.Error, "What is kept no more of {Log} does not go, for the log cannot be read: {Reason}")]
    private static partial void LogLeftOut(ILogger logger, LogName log, string reason);

    [LoggerMessage(3742, LogLevel.Warning, "What is kept no more could not all be removed; the next round goes on with it: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(3743, LogLevel.Warning, "The space of what went of {Log} could not be given back; the next round tries again: {Reason}")]
    private static partial void LogNotGivenBack(ILogger logger, LogName log, string reason);
}
