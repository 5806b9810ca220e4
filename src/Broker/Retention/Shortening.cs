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
/// <param name="now">By which events are old: a time that does not run ahead because a clock was set.</param>
internal sealed class Shortening(IEventLog log, BrokerLimits limits, TimeProvider time, Func<DateTimeOffset> now)
{
    /// <summary>Events that go in one step, and that are read at once.</summary>
    public const int StepEvents = 500;

    /// <summary>A step that took long, for the store had much else to do, is followed by a rest of so many times that.</summary>
    private const int RestsFor = 3;

    private readonly Dictionary<LogName, Counted> _counts = [];
    private long _worked;
    private TimeSpan _rest;

    /// <summary>Returns how many events went.</summary>
    /// <param name="kept">Asked before each step: where it keeps more than it did at first, no further step is done.</param>
    /// <exception cref="IOException">The log cannot be read, or not be shortened.</exception>
    public async Task<long> ShortenAsync(LogName name, Func<RetentionPolicy> kept, CancellationToken cancellation)
    {
        var head = log.Head(name);
        var wanted = kept();
        if (wanted.Messages == 0)
        {
            _counts.Remove(name);
        }

        if (wanted.Days > 0)
        {
            await CutAsync(name, log.FirstFrom(name, now().AddDays(-wanted.Days)), IsWantedAsync, cancellation);
        }

        if (wanted.Messages > 0 && await ExcessAsync(name, wanted.Messages, cancellation) is > 0 and var excess)
        {
            await CutMessagesAsync(name, excess, IsWantedAsync, cancellation);
        }

        return log.Head(name).First - head.First;

        // The owner may have taken the rule back while the last step rested, or the log may have gone.
        async Task<bool> IsWantedAsync()
        {
            await RestAsync(cancellation);
            return !wanted.KeepsLessThan(kept()) && log.Head(name).Epoch == head.Epoch;
        }
    }

    /// <summary>Nothing is remembered of logs other than these.</summary>
    public void KeepCountsOf(IReadOnlySet<LogName> names)
    {
        foreach (var name in _counts.Keys.Where(name => !names.Contains(name)).ToList())
        {
            _counts.Remove(name);
        }
    }

    private async Task CutAsync(LogName name, long before, Func<Task<bool>> isWantedAsync, CancellationToken cancellation)
    {
        while (log.Head(name).First < before && await isWantedAsync())
        {
            var began = time.GetTimestamp();
            var head = log.Head(name);
            var next = Math.Min(before, head.First + StepEvents);
            var counted = CountedOf(name, head);

            // Only what was counted is taken off the count: the rules may have said nothing of messages when these came.
            var end = Math.Min(next, counted?.Through + 1 ?? 0);
            var going = end > head.First ? log.ReadAfter(name, head.First - 1, (int)(end - head.First)).Entries : [];
            await StepAsync(name, next, counted, going.Count(entry => entry.Seq < end && IsMessage(entry)), began, cancellation);
        }
    }

    private async Task CutMessagesAsync(LogName name, long excess, Func<Task<bool>> isWantedAsync, CancellationToken cancellation)
    {
        while (excess > 0 && await isWantedAsync())
        {
            var began = time.GetTimestamp();
            var page = log.ReadAfter(name, log.Head(name).First - 1, StepEvents);
            if (page.Entries.Count == 0 || CountedOf(name, page.Head) is not { } counted)
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
            await StepAsync(name, next, counted, messages, began, cancellation);
        }
    }

    private async Task StepAsync(LogName name, long before, Counted? counted, long messages, long began, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await log.TruncateAsync(name, before);
        counted?.Cut(before, messages);
        RestAfter(began);
    }

    // Before each step, whichever log the last one was of.
    private async Task RestAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_rest - time.GetElapsedTime(_worked) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellation);
        }
    }

    private void RestAfter(long began)
    {
        if (limits.RetentionStepsPerSecond is var steps && /* guard: retention goes in a bounded number of steps a second */ steps > 0)
        {
            _worked = time.GetTimestamp();
            var worked = time.GetElapsedTime(began, _worked);
            var rest = TimeSpan.FromSeconds(1.0 / steps) - worked;
            _rest = rest > worked * RestsFor ? rest : worked * RestsFor;
        }
    }

    // How many messages there are beyond so many. Only what is new is read; nothing is known after a start, or when somebody else has
    // shortened the log.
    private async Task<long> ExcessAsync(LogName name, int most, CancellationToken cancellation)
    {
        var head = log.Head(name);
        if (CountedOf(name, head) is not { } counted)
        {
            _counts[name] = counted = new Counted(head);
        }

        if (head.Head - head.First + 1 <= most)
        {
            // Not even if all were messages.
            return 0;
        }

        while (true)
        {
            await RestAsync(cancellation);
            var began = time.GetTimestamp();
            var read = log.ReadAfter(name, counted.Through, StepEvents);
            if (!counted.IsOf(read.Head))
            {
                // It is another log by now. The next round counts that.
                return 0;
            }

            counted.Add(read.Entries);
            if (read.Entries.Count < StepEvents)
            {
                return counted.Messages - most;
            }

            RestAfter(began);
        }
    }

    private Counted? CountedOf(LogName name, in LogHead head) =>
        _counts.TryGetValue(name, out var counted) && counted.IsOf(head) ? counted : null;

    // A deleted one keeps its place: else those behind it would be counted anew with each deletion.
    private static bool IsMessage(in LogEntry entry) => EventBody.TypeOf(entry.Body.Span) is EventType.Message or EventType.Removed;

    /// <summary>The messages of a log from one seq through another.</summary>
    private sealed class Counted(LogHead head)
    {
        private readonly string _epoch = head.Epoch;
        private long _first = head.First;

        public long Through { get; private set; } = head.First - 1;

        public long Messages { get; private set; }

        public bool IsOf(in LogHead now) => now.Epoch == _epoch && now.First == _first;

        public void Add(IReadOnlyList<LogEntry> entries)
        {
            if (entries.Count > 0)
            {
                Messages += entries.Count(entry => IsMessage(entry));
                Through = entries[^1].Seq;
            }
        }

        /// <param name="messages">So many of those that are counted went.</param>
        public void Cut(long before, long messages)
        {
            _first = before;
            Through = Math.Max(Through, before - 1);
            Messages -= messages;
        }
    }
}
