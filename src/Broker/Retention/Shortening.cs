using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Retention;

/// <summary>Takes off the beginning of a log what is not kept any more, a step at a time.</summary>
/// <remarks>
/// Each step is a truncation of its own: whoever follows the journal gets as little at once, and what is said meanwhile waits for one step
/// at most. A kill between two of them leaves a beginning that is gone and a rest that the next round finds.
/// How many messages there are is counted once and then kept in memory: a round reads what is new, and what goes.
/// One caller at a time.
/// </remarks>
internal sealed class Shortening(IEventLog log, BrokerLimits limits, TimeProvider time)
{
    /// <summary>Events that go in one step, and that are read at once.</summary>
    public const int StepEvents = 500;

    /// <summary>A step that took long, for the store had much else to do, is followed by a rest of so many times that.</summary>
    private const int RestsFor = 3;

    private readonly Dictionary<LogName, Counted> _counts = [];

    /// <summary>Returns how many events went.</summary>
    /// <exception cref="IOException">The log cannot be read, or not be shortened.</exception>
    public async Task<long> ShortenAsync(LogName name, RetentionPolicy kept, CancellationToken cancellation)
    {
        var first = log.Head(name).First;
        if (kept.Messages == 0)
        {
            _counts.Remove(name);
        }

        if (kept.Days > 0)
        {
            await CutAsync(name, FirstFrom(name, time.GetUtcNow().AddDays(-kept.Days)), cancellation);
        }

        if (kept.Messages > 0 && await ExcessAsync(name, kept.Messages, cancellation) is > 0 and var excess)
        {
            await CutMessagesAsync(name, excess, cancellation);
        }

        return log.Head(name).First - first;
    }

    /// <summary>Nothing is remembered of logs other than these.</summary>
    public void KeepCountsOf(IReadOnlySet<LogName> names)
    {
        foreach (var name in _counts.Keys.Where(name => !names.Contains(name)).ToList())
        {
            _counts.Remove(name);
        }
    }

    // Times of events never go back within a log. One read where nothing is old, and else as many as the length has digits in base two.
    private long FirstFrom(LogName name, DateTimeOffset at)
    {
        var head = log.Head(name);
        if (head.Head == 0 || AtOf(name, head.First) is not { } oldest || oldest >= at)
        {
            return head.First;
        }

        var (from, to) = (head.First + 1, head.Head + 1);
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            (from, to) = AtOf(name, middle) < at ? (middle + 1, to) : (from, middle);
        }

        return from;
    }

    private DateTimeOffset? AtOf(LogName name, long seq) =>
        log.ReadAfter(name, seq - 1, 1).Entries is [var entry] && entry.Seq == seq ? entry.At : null;

    private async Task CutAsync(LogName name, long before, CancellationToken cancellation)
    {
        for (var first = log.Head(name).First; first < before;)
        {
            var next = Math.Min(before, first + StepEvents);
            var isCounted = _counts.TryGetValue(name, out var counted) && counted.IsOf(log.Head(name));
            var going = isCounted ? log.ReadAfter(name, first - 1, (int)(next - first)).Entries : [];
            var messages = going.Count(entry => entry.Seq < next && IsMessage(entry));
            await StepAsync(name, next, counted, messages, hasMore: next < before, cancellation);
            first = next;
        }
    }

    private async Task CutMessagesAsync(LogName name, long excess, CancellationToken cancellation)
    {
        while (excess > 0)
        {
            var page = log.ReadAfter(name, log.Head(name).First - 1, StepEvents);
            if (page.Entries.Count == 0)
            {
                return;
            }

            var (messages, next) = (0L, page.Entries[0].Seq);
            foreach (var entry in page.Entries.TakeWhile(entry => messages < excess || !IsMessage(entry)))
            {
                messages += IsMessage(entry) ? 1 : 0;
                next = entry.Seq + 1;
            }

            excess -= messages;
            await StepAsync(name, next, _counts.GetValueOrDefault(name), messages, hasMore: excess > 0, cancellation);
        }
    }

    private async Task StepAsync(LogName name, long before, Counted? counted, long messages, bool hasMore, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var began = time.GetTimestamp();
        await log.TruncateAsync(name, before);
        if (counted is not null)
        {
            (counted.First, counted.Messages) = (before, counted.Messages - messages);
        }

        if (hasMore)
        {
            await RestAsync(time.GetElapsedTime(began), cancellation);
        }
    }

    private async Task RestAsync(TimeSpan worked, CancellationToken cancellation)
    {
        if (/* guard: retention goes in a bounded number of steps a second */ limits.RetentionStepsPerSecond is > 0 and var steps)
        {
            var rest = TimeSpan.FromSeconds(1.0 / steps) - worked;
            await Task.Delay(rest > worked * RestsFor ? rest : worked * RestsFor, time, cancellation);
        }
    }

    // How many messages there are beyond so many. Only what is new is read; nothing is known after a start, or when somebody else has
    // shortened the log.
    private async Task<long> ExcessAsync(LogName name, int most, CancellationToken cancellation)
    {
        var head = log.Head(name);
        if (!_counts.TryGetValue(name, out var counted) || !counted.IsOf(head))
        {
            _counts[name] = counted = new Counted(head.Epoch) { First = head.First, Through = head.First - 1 };
        }

        if (head.Head - head.First + 1 <= most)
        {
            // Not even if all were messages.
            return 0;
        }

        while (log.ReadAfter(name, counted.Through, StepEvents) is { Entries: { Count: > 0 } page } read && counted.IsOf(read.Head))
        {
            var began = time.GetTimestamp();
            counted.Messages += page.Count(entry => IsMessage(entry));
            counted.Through = page[^1].Seq;
            if (page.Count < StepEvents)
            {
                break;
            }

            await RestAsync(time.GetElapsedTime(began), cancellation);
        }

        return counted.Messages - most;
    }

    // A deleted one keeps its place: else those behind it would be counted anew with each deletion.
    private static bool IsMessage(in LogEntry entry) => EventBody.TypeOf(entry.Body.Span) is EventType.Message or EventType.Removed;

    /// <summary>The messages of a log from one seq through another.</summary>
    private sealed class Counted(string epoch)
    {
        public long First { get; set; }

        public long Through { get; set; }

        public long Messages { get; set; }

        public bool IsOf(in LogHead head) => head.Epoch == epoch && head.First == First;
    }
}
