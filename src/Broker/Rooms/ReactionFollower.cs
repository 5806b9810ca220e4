using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Takes away reactions and pins of what is not there any more: the reactions to messages that were deleted, and both of messages that have
/// gone with the beginning or the whole of their log.
/// </summary>
internal sealed class ReactionFollower(IEventLog log, IRecords records) : IFollower
{
    /// <summary>See <see cref="IFollower.Name"/>. From the time when it took no pins.</summary>
    public const string Follower = "reactions";

    private const int ReadAtOnce = 256;

    public string Name => Follower;

    // Nobody is shown them meanwhile: they go with a message, and that is none any more.
    public TimeSpan Gathers => TimeSpan.FromSeconds(1);

    // What is there is right, but for what is left over, for which each log is looked through. Those that were dropped meanwhile are none
    // that it begins with.
    public async Task ForgetAsync(CancellationToken cancellation)
    {
        for (byte[] last = []; records.ReadPage(ReactionKey.Prefix, last, 1) is [var found];)
        {
            cancellation.ThrowIfCancellationRequested();
            var name = ReactionKey.LogOf(found.Key);
            if (/* guard: no reactions stay of a log that was dropped unheard */ IsGone(name))
            {
                await ForgetAsync(name, cancellation);
            }

            // No reaction of this log comes after.
            last = [.. ReactionKey.PrefixOf(name)[..^1], 1];
        }
    }

    public async Task<IReadOnlyList<RecordChange>> BeginAsync(LogName name, CancellationToken cancellation)
    {
        List<RecordChange> gone = [];
        await RemoveBetweenAsync(name, 1, long.MaxValue, gone, cancellation);
        if (FirstIn(name) is > 1 and var first)
        {
            await Pins.ForgetBeforeAsync(records, name, first);
        }

        return gone;
    }

    public async Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation)
    {
        List<RecordChange> gone = [];
        foreach (var change in batches.SelectMany(batch => batch.Changes).Where(change => change.Kind != JournalKind.Append))
        {
            cancellation.ThrowIfCancellationRequested();
            switch (change.Kind)
            {
                case JournalKind.Drop:
                    await ForgetAsync(change.Log, cancellation);
                    break;
                case JournalKind.Truncate:
                    await RemoveBetweenAsync(change.Log, change.From, change.To, gone, cancellation);
                    await Pins.ForgetBeforeAsync(records, change.Log, change.To + 1);
                    break;
                default:
                    for (var from = change.From; from <= change.To; from = EndOfRun(from) + 1)
                    {
                        await RemoveWithinAsync(change.Log, from, Math.Min(change.To, EndOfRun(from)), gone, cancellation);
                    }

                    break;
            }
        }

        return gone;
    }

    // The keys of so many seqs share all but the last byte of the seq. To read them with that beginning is not to go over what lies behind,
    // which may be very much that was deleted just now.
    private static long EndOfRun(long seq) => seq | 0xFF;

    private async Task ForgetAsync(LogName name, CancellationToken cancellation)
    {
        await RemoveAsync(ReactionKey.PrefixOf(name), cancellation);
        await records.WriteAsync([new RecordChange(Pins.Key(name), null)]);
    }

    private bool IsGone(LogName name) => HeadOf(name) is { Head: 0 };

    private long? FirstIn(LogName name) => HeadOf(name)?.First;

    private LogHead? HeadOf(LogName name)
    {
        try
        {
            return log.Head(name);
        }
        catch (LogDamagedException)
        {
            // Nobody knows. The log tells the operator.
            return null;
        }
    }

    // All that are without a message from one seq to another, however far that is.
    private async Task RemoveBetweenAsync(LogName name, long from, long to, List<RecordChange> gone, CancellationToken cancellation)
    {
        while (from <= to && FirstOf(name, from, to) is { } first)
        {
            var end = Math.Min(to, EndOfRun(first));
            await RemoveWithinAsync(name, first, end, gone, cancellation);
            from = end + 1;
        }
    }

    // The same within one run.
    private async Task RemoveWithinAsync(LogName name, long from, long to, List<RecordChange> gone, CancellationToken cancellation)
    {
        var (prefix, after) = Before(name, from, to);
        while (records.ReadPage(prefix, after, ReadAtOnce) is { Count: > 0 } page)
        {
            cancellation.ThrowIfCancellationRequested();

            // After the reactions: whoever reacted to something said just now is not taken for one who reacted to nothing.
            if (MessagesOf(name, from, to) is not { } messages)
            {
                return;
            }

            foreach (var (key, _) in page)
            {
                if (SeqIn(name, key) is var seq && seq <= to && !messages.Contains(seq))
                {
                    gone.Add(new RecordChange(key, null));
                }
            }

            if (gone.Count >= RecordParts.WriteAtOnce)
            {
                await records.WriteAsync([.. gone]);
                gone.Clear();
            }

            var last = SeqIn(name, page[^1].Key);
            if (page.Count < ReadAtOnce || last > to)
            {
                return;
            }

            after = messages.Contains(last) ? Behind(name, last) : page[^1].Key;
        }
    }

    // The first that has reactions.
    private long? FirstOf(LogName name, long from, long to)
    {
        var (prefix, after) = Before(name, from, to);
        return records.ReadPage(prefix, after, 1) is [var found] && SeqIn(name, found.Key) is var seq && seq <= to ? seq : null;
    }

    // With what all keys from one seq to another begin, and behind what the first of them comes.
    private static (byte[] Prefix, byte[] After) Before(LogName name, long from, long to)
    {
        var first = ReactionKey.PrefixOf(name, from);
        var shared = first.AsSpan().CommonPrefixLength(ReactionKey.PrefixOf(name, to));
        return (first[..shared], first.AsSpan(shared).ContainsAnyExcept((byte)0) ? Behind(name, from - 1) : []);
    }

    // No reaction's key is as long as this and lies before it.
    private static byte[] Behind(LogName name, long seq) => [.. ReactionKey.PrefixOf(name, seq), 0xFF];

    private static long SeqIn(LogName name, byte[] key) => ReactionKey.SeqIn(key, ReactionKey.PrefixOf(name).Length);

    // What is there and was not deleted. Null: nobody knows, for the log cannot be read, which itself tells the operator.
    private HashSet<long>? MessagesOf(LogName name, long from, long to)
    {
        try
        {
            return [.. log.ReadAfter(name, from - 1, (int)(to - from + 1)).Entries
                .Where(entry => entry.Seq <= to && EventBody.TypeOf(entry.Body.Span) != EventType.Removed)
                .Select(entry => entry.Seq)];
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            return null;
        }
    }

    private async Task RemoveAsync(byte[] prefix, CancellationToken cancellation)
    {
        // Each page from the last key on: from the prefix on it would read over all that was deleted just now.
        for (byte[] last = []; records.ReadPage(prefix, last, RecordParts.WriteAtOnce) is { Count: > 0 } page; last = page[^1].Key)
        {
            cancellation.ThrowIfCancellationRequested();
            await records.WriteAsync([.. page.Select(record => new RecordChange(record.Key, null))]);
        }
    }
}
