using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Tests.Rooms.Heard;

/// <summary>
/// Another node as a running one hears it: it writes into the same stores, past the memory of that one, which then hears the batch.
/// </summary>
internal sealed class OtherNode : IReplication
{
    private readonly ReplicationListeners _listeners = new(NullLogger.Instance);
    private RunningBroker _here = null!;
    private long _number;

    public bool IsAlone => false;

    public static async Task<(OtherNode Node, RunningBroker Here)> BesideAsync(params string[] settings)
    {
        OtherNode node = new();
        node._here = await RunningBroker.StartWithAsync(services => services.AddSingleton<IReplication>(node), settings);
        return (node, node._here);
    }

    public void HearRecords(string prefix, Action<RecordChange> heard) => _listeners.HearRecords(prefix, heard);

    public void HearDocuments(string collection, Action<ReplicatedDocument> heard) => _listeners.HearDocuments(collection, heard);

    public void HearLogs(Action<ReplicatedLog> heard) => _listeners.HearLogs(heard);

    public void HearEnd(Action heard) => _listeners.HearEnd(heard);

    public void Owe(Task work) => _listeners.Owe(work);

    public Task BeginAsync() => Task.CompletedTask;

    public Task EverywhereAsync() => Task.CompletedTask;

    /// <summary>Writes records; heard when it completes, and all that is owed for it done.</summary>
    public async Task WriteAsync(params RecordChange[] changes)
    {
        await _here.Get<IRecords>().WriteAsync(changes);
        await HearAsync([], changes, []);
    }

    /// <summary>Writes documents, which exist in no other version.</summary>
    public async Task CommitAsync(params DocumentChange[] changes)
    {
        Assert.True((await _here.Get<IDocuments>().CommitAsync(changes)).IsDone);
        await HearAsync([], [], [.. changes.Select(Heard).OfType<ReplicatedDocument>()]);
    }

    /// <summary>Stores an event, with records and pointers beside it.</summary>
    /// <param name="brings">False: that it was stored is heard, and not what it is.</param>
    /// <returns>Its seq.</returns>
    public async Task<long> SayAsync(
        LogName log, string author, byte[] body, RecordChange[]? beside = null, EventPointer[]? pointers = null, bool brings = true)
    {
        Said said = new(log, author, body) { Changes = beside ?? [], Pointers = pointers ?? [] };
        _here.Get<IEventLog>().Append(said);
        await said.Done;
        Assert.Equal(AppendOutcome.Stored, said.Outcome);
        (LogName Log, long Seq)[] stored = [.. (pointers ?? []).Select(pointer => (pointer.Log, pointer.Seq)), (log, said.Seq)];
        await HearAsync([.. stored.Select(one => Append(one.Log, one.Seq, one.Seq, brings))], beside ?? [], []);
        return said.Seq;
    }

    /// <summary>Several events were stored together, and heard without what they are.</summary>
    public Task HearAsync(LogName log, long from, long to) => HearAsync([Append(log, from, to, brings: false)], [], []);

    private async Task HearAsync(ReplicatedLog[] logs, RecordChange[] records, ReplicatedDocument[] documents) =>
        await _listeners.Hear(new ReplicatedBatch(++_number, "other", logs, records, documents));

    private ReplicatedLog Append(LogName log, long from, long to, bool brings)
    {
        var page = _here.Get<IEventLog>().ReadAfter(log, from - 1, (int)(to - from + 1));
        return new ReplicatedLog(log, JournalKind.Append, from, to, page.Head, brings ? page.Entries : []);
    }

    private static ReplicatedDocument? Heard(DocumentChange change) => change switch
    {
        DocumentChange.Put put => new ReplicatedDocument(put.Collection, put.Id, 1, put.Json),
        DocumentChange.Delete gone => new ReplicatedDocument(gone.Collection, gone.Id, 0, default),
        _ => null,
    };

    private sealed class Said(LogName log, string author, byte[] body) : PendingAppend(log, author, null, default, body)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        protected override void Completed() => _done.SetResult();
    }
}
