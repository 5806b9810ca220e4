using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// Keeps, of every log, who wrote its newest messages, in blocks that are records (<see cref="MessageBlocks"/>):
/// so that what is unread is counted without reading what was said, also the first time after a start.
/// </summary>
/// <remarks>
/// A block is made of the log as it is by then.
/// So it comes out the same when it is made again, and a block that is not there, or not on, only costs whoever counts.
/// </remarks>
internal sealed partial class UnreadFollower(IEventLog log, IRecords records, ReadPositions positions, ILogger<UnreadFollower> logger) : IFollower
{
    /// <summary>So many records are one write at most: whoever says something meanwhile waits for it.</summary>
    private const int AtOnce = 1_000;

    private readonly MessageBlocks _blocks = new(log, records);

    // At most as many as there are logs. One that is damaged fails again with each message.
    private readonly HashSet<LogName> _told = [];

    public string Name => "unread";

    // Who counts reads from the log what was said since: a second of it is little, and a write a second is nothing.
    public TimeSpan Gathers => TimeSpan.FromSeconds(1);

    public async Task ForgetAsync(CancellationToken cancellation)
    {
        // Each page from the last key on: from the prefix on it would read over all that was deleted just now.
        for (byte[] last = []; records.ReadPage(MessageBlocks.Prefix, last, AtOnce) is { Count: > 0 } page; last = page[^1].Key)
        {
            cancellation.ThrowIfCancellationRequested();
            await records.WriteAsync([.. page.Select(record => Remove(record.Key))]);
        }
    }

    public Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation)
    {
        List<RecordChange> changes = [];
        try
        {
            Begin(log, changes, cancellation);
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            TellLeftOut(log, error);
        }

        return Task.FromResult<IReadOnlyList<RecordChange>>(changes);
    }

    public async Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation)
    {
        List<RecordChange> changes = [];
        foreach (var (name, touched) in Touched(batches))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                Follow(name, touched, changes);
            }
            catch (LogDamagedException error) when (!error.MayPass)
            {
                TellLeftOut(name, error);
            }

            if (touched.ChangesCounts)
            {
                changes.AddRange(positions.RecountsOf(name));
            }

            if (changes.Count >= AtOnce || touched.ChangesCounts)
            {
                // Before anybody counts anew, and would find what was stored before.
                await WriteAsync(changes);
            }

            if (touched.ChangesCounts)
            {
                positions.Recount(name);
            }
        }

        return changes;
    }

    // As far back as anybody looks: until there is enough for any answer.
    private void Begin(LogName name, List<RecordChange> changes, CancellationToken cancellation)
    {
        var head = log.Head(name);
        EnoughMessages enough = new();
        var last = MessageBlock.NumberOf(head.Head);
        for (var number = last; head.Head >= Math.Max(1, head.First) && number >= Oldest(head) && !enough.IsReached; number--)
        {
            cancellation.ThrowIfCancellationRequested();
            if (_blocks.Read(name, head, number) is not { } block)
            {
                // Dropped meanwhile, which the journal tells.
                return;
            }

            changes.Add(new RecordChange(MessageBlocks.Key(name, number), block.ToBytes()));
            enough.AddAll(block, head.Head);
        }
    }

    private void Follow(LogName name, Changed touched, List<RecordChange> changes)
    {
        if (touched.IsDropped)
        {
            changes.AddRange(StoredBlocks(name).Select(Remove));
        }

        var head = log.Head(name);
        if (touched.IsTruncated)
        {
            changes.AddRange(StoredBlocks(name).TakeWhile(key => MessageBlocks.NumberIn(key) < Oldest(head)).Select(Remove));
        }

        foreach (var (number, isReplaced) in touched.Blocks)
        {
            // What is not there by now was dropped or truncated since, which the journal tells next.
            if (number < Oldest(head) || MessageBlock.FloorOf(number) >= head.Head || _blocks.Read(name, head, number, anew: isReplaced) is not { } block)
            {
                continue;
            }

            changes.Add(new RecordChange(MessageBlocks.Key(name, number), block.ToBytes()));
            if (number >= MessageBlocks.Kept && block.Through == MessageBlock.FloorOf(number + 1))
            {
                changes.Add(Remove(MessageBlocks.Key(name, number - MessageBlocks.Kept)));
            }
        }
    }

    private List<byte[]> StoredBlocks(LogName name) => [.. records.ReadAll(MessageBlocks.PrefixOf(name)).Select(record => record.Key)];

    private async Task WriteAsync(List<RecordChange> changes)
    {
        await records.WriteInPartsAsync(changes);
        changes.Clear();
    }

    private void TellLeftOut(LogName name, LogDamagedException error)
    {
        if (_told.Add(name))
        {
            LogLeftOut(logger, name, error.Message);
        }
    }

    // The oldest block that is still kept.
    private static long Oldest(in LogHead head) =>
        Math.Max(MessageBlock.NumberOf(Math.Max(1, head.First)), MessageBlock.NumberOf(Math.Max(1, head.Head)) - MessageBlocks.Kept + 1);

    private static RecordChange Remove(byte[] key) => new(key, null);

    private static Dictionary<LogName, Changed> Touched(IReadOnlyList<JournalBatch> batches)
    {
        Dictionary<LogName, Changed> logs = [];
        foreach (var change in batches.SelectMany(batch => batch.Changes))
        {
            if (!logs.TryGetValue(change.Log, out var touched))
            {
                logs[change.Log] = touched = new Changed();
            }

            touched.Take(change);
        }

        return logs;
    }

    [LoggerMessage(3702, LogLevel.Error, "What is unread in {Log} is not kept, for the log cannot be read: {Reason}")]
    private static partial void LogLeftOut(ILogger logger, LogName log, string reason);

    /// <summary>What batches did to one log.</summary>
    private sealed class Changed
    {
        /// <summary>By number, and whether what is stored of a block may be wrong by now.</summary>
        public SortedDictionary<long, bool> Blocks { get; } = [];

        public bool IsDropped { get; private set; }

        public bool IsTruncated { get; private set; }

        /// <summary>What was counted may not count any more.</summary>
        public bool ChangesCounts { get; private set; }

        public void Take(in LogChange change)
        {
            switch (change.Kind)
            {
                case JournalKind.Append or JournalKind.Replace:
                    var isReplaced = change.Kind == JournalKind.Replace;
                    ChangesCounts |= isReplaced;
                    for (var number = Math.Max(MessageBlock.NumberOf(change.From), MessageBlock.NumberOf(change.To) - MessageBlocks.Kept); number <= MessageBlock.NumberOf(change.To); number++)
                    {
                        Blocks[number] = Blocks.GetValueOrDefault(number) || isReplaced;
                    }

                    break;
                case JournalKind.Truncate:
                    IsTruncated = ChangesCounts = true;
                    break;
                case JournalKind.Drop:
                    Blocks.Clear();
                    (IsDropped, IsTruncated) = (true, false);
                    break;
                default:
                    throw new InvalidOperationException($"{change.Kind}");
            }
        }
    }
}
