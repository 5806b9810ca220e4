using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>The shared log as one node has it. Each append is a batch of its own, and heard by the others before the next is
/// judged.</summary>
internal sealed class HouseLog(HouseNode node, SharedHouse house, IEventLog log) : IEventLog, IRecords
{
    private static readonly LogName _relay = LogName.OfRoom("relay");

    public void Append(PendingAppend append, bool moreFollows = false)
    {
        if (!node.IsDead)
        {
            log.Append(new Told(append, node, house));
        }
    }

    public Task WriteAsync(IReadOnlyList<RecordChange> changes) => WriteAsync(changes, []);

    public async Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
    {
        if (node.IsDead)
        {
            throw new RecordsNotWrittenException("dead");
        }

        Relay relay = new(changes, conditions);
        log.Append(new Told(relay, node, house));
        return await relay.Task;
    }

    public void Wake()
    {
        // Nothing waits for it here.
    }

    public Task SettleAsync() => log.SettleAsync();

    public LogHead Head(LogName name) => log.Head(name);

    public OpenLog Open(LogName name) => log.Open(name);

    public LogPage ReadAfter(LogName name, long after, int limit) => log.ReadAfter(name, after, limit);

    public LogPage ReadBefore(LogName name, long before, int limit) => log.ReadBefore(name, before, limit);

    public Task TruncateAsync(LogName name, long before) => log.TruncateAsync(name, before);

    public Task DropAsync(LogName name) => log.DropAsync(name);

    public byte[]? Find(ReadOnlySpan<byte> key) => ((IRecords)log).Find(key);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) =>
        ((IRecords)log).ReadPage(prefix, after, limit);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => ((IRecords)log).ReadAll(prefix);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Relay(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
        : PendingAppend(_relay, "", null, default, "{}"u8.ToArray())
    {
        private readonly TaskCompletionSource<WriteOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public new IReadOnlyList<RecordChange> Changes => changes;

        public new IReadOnlyList<RecordCondition> Conditions => conditions;

        public Task<WriteOutcome> Task => _done.Task;

        protected override void Completed() => _done.SetResult(Outcome is AppendOutcome.Stored ? WriteOutcome.Written : WriteOutcome.Conflict);
    }

    private sealed class Told : PendingAppend
    {
        private readonly PendingAppend _inner;
        private readonly HouseNode _node;
        private readonly SharedHouse _house;

        public Told(PendingAppend inner, HouseNode node, SharedHouse house)
            : base(inner.Log, inner.Author, inner.Id, inner.ContentHash, inner.Body)
        {
            (_inner, _node, _house) = (inner, node, house);
            Changes = inner is Relay relay ? relay.Changes : inner.Changes;
            Conditions = inner is Relay write ? write.Conditions : inner.Conditions;
        }

        protected internal override bool HasRight => _inner.HasRight;

        protected internal override bool EndsBatch => true;

        protected internal override bool MayBeStored(int bytes) => _inner.MayBeStored(bytes);

        protected override void Completed()
        {
            if (Outcome is AppendOutcome.Stored)
            {
                _house.Tell(_node, Changes);
            }

            _inner.Complete(Outcome, Seq, At, Epoch);
        }
    }
}
