using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests;

/// <summary>The records of a real event log, on a disk that refuses to write while the test says so.</summary>
internal sealed class FaultyRecords(IRecords records) : IRecords
{
    private volatile bool _fails;

    public bool Fails
    {
        get => _fails;
        set => _fails = value;
    }

    public Task WriteAsync(IReadOnlyList<RecordChange> changes) =>
        _fails ? Task.FromException(new RecordsNotWrittenException("The disk refuses.")) : records.WriteAsync(changes);

    public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) =>
        _fails ? Task.FromException<WriteOutcome>(new RecordsNotWrittenException("The disk refuses.")) : records.WriteAsync(changes, conditions);

    public byte[]? Find(ReadOnlySpan<byte> key) => records.Find(key);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) => records.ReadPage(prefix, after, limit);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => records.ReadAll(prefix);
}
