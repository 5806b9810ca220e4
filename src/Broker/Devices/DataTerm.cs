using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// What a node writes of data topics in the time in which they are its own, in a house of several nodes: under the condition that no other
/// node has become their home since.
/// </summary>
/// <remarks>Thread-safe. Reads are those of the store.</remarks>
/// <param name="fence">What the node has written as it became their home; one that was never written: all is refused.</param>
/// <param name="overtaken">Another node has.</param>
internal sealed class DataTerm(IRecords records, byte[] fence, Action<DataTerm> overtaken) : IRecords
{
    /// <summary>Of the record that says whose they are: 16 random bytes, then the name of the node.</summary>
    public static byte[] Key { get; } = "datahome"u8.ToArray();

    /// <summary>The data topics are this node's, in this term.</summary>
    public RecordCondition IsOurs { get; } = new(Key, fence);

    /// <exception cref="IOException">The store cannot write, or they are another node's by now.</exception>
    public async Task WriteAsync(IReadOnlyList<RecordChange> changes)
    {
        if (await records.WriteAsync(changes, /* guard: who lost the data topics writes nothing of them */ [IsOurs]) == WriteOutcome.Conflict)
        {
            overtaken(this);
            throw new IOException("The data topics are another node's by now.");
        }
    }

    public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) =>
        records.WriteAsync(changes, [.. conditions, IsOurs]);

    public byte[]? Find(ReadOnlySpan<byte> key) => records.Find(key);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) =>
        records.ReadPage(prefix, after, limit);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => records.ReadAll(prefix);
}
