namespace WebMessenger.Storage.EventLog;

/// <summary>
/// One change of a record. A <see cref="Value"/> of null deletes it. Neither array may change until the change is written or refused.
/// </summary>
/// <param name="Key">1 to 1,024 bytes. What keeps records begins its keys with a prefix of its own.</param>
/// <param name="Value">Opaque bytes; may be empty.</param>
public readonly record struct RecordChange(byte[] Key, byte[]? Value);

/// <summary>
/// A record has exactly these bytes just then; null: it is not there. Neither array may change until the write is done or refused.
/// </summary>
/// <param name="Key">1 to 1,024 bytes.</param>
/// <param name="Value">What whoever writes has read, and took for true.</param>
public readonly record struct RecordCondition(byte[] Key, byte[]? Value);

/// <summary>What became of changes that had conditions.</summary>
public enum WriteOutcome
{
    /// <summary>All of them are on disk.</summary>
    Written,

    /// <summary>A condition did not hold. Nothing was written: read anew and decide again.</summary>
    Conflict,
}

/// <summary>
/// Small records beside the logs, in the same store and written by the same group commit:
/// cursors of durable clients, read positions and the like.
/// </summary>
/// <remarks>
/// Contract, the same for every implementation (one suite of tests runs against each):
/// <list type="bullet">
/// <item>Changes that one thread hands over one after the other take effect in that order, also relative to its appends;
/// after a crash no later one is there without all earlier ones.</item>
/// <item>Conditions are judged when the write has its place in that order: against what is stored, and all that is written before it,
/// be it on disk by then or not. Between a condition and its changes nothing comes. So of any number of writers that have read the same,
/// one wins, and the others hear <see cref="WriteOutcome.Conflict"/>. What others write together with it is not concerned.</item>
/// <item>Reads see what is durable only, and never block writes. What cannot be read is never served:
/// they throw <see cref="IOException"/>, and after disposal <see cref="ObjectDisposedException"/>.</item>
/// <item>When the store was damaged, the newest changes may be gone, as the newest events are: all logs have another epoch then.
/// Who keeps a seq in a record keeps its epoch with it.</item>
/// <item>Thread-safe. A key or a list of changes that is not as described is the caller's bug: <see cref="ArgumentException"/>.</item>
/// </list>
/// </remarks>
public interface IRecords
{
    /// <summary>
    /// Writes all changes in one atomic, synced batch, together with whatever events wait.
    /// Fails with <see cref="IOException"/> when the store cannot write, or is closed:
    /// then nothing of it is stored, and it may be tried again.
    /// </summary>
    Task WriteAsync(IReadOnlyList<RecordChange> changes);

    /// <summary>
    /// The same, if all conditions hold, and none of it if one does not. A record may be in both lists: the conditions come first.
    /// </summary>
    Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions);

    /// <summary>The value of a record, or null when there is none.</summary>
    byte[]? Find(ReadOnlySpan<byte> key);

    /// <summary>
    /// The first <paramref name="limit"/> (1 to 1,000) records whose key begins with <paramref name="prefix"/> and comes after
    /// <paramref name="after"/> (empty: from the first), in the order of their keys as bytes;
    /// all as they were at one moment. Fewer than asked for: there are no more.
    /// </summary>
    IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit);

    /// <summary>The same without end, for what is known to be few.</summary>
    IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix);
}
