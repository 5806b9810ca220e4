namespace WebMessenger.Storage.EventLog;

/// <summary>One change of a record. A <see cref="Value"/> of null deletes it. Neither array may change until the change is written or refused.</summary>
/// <param name="Key">1 to 1,024 bytes. What keeps records begins its keys with a prefix of its own.</param>
/// <param name="Value">Opaque bytes; may be empty.</param>
public readonly record struct RecordChange(byte[] Key, byte[]? Value);

/// <summary>
/// Small records beside the logs, in the same store and written by the same group commit: cursors of durable clients, read positions and the like.
/// </summary>
/// <remarks>
/// Contract, the same for every implementation (one suite of tests runs against each):
/// <list type="bullet">
/// <item>Changes that one thread hands over one after the other take effect in that order, also relative to its appends; after a crash no later one is there without
/// all earlier ones.</item>
/// <item>Reads see what is durable only, and never block writes. What cannot be read is never served: they throw <see cref="IOException"/>, and after disposal
/// <see cref="ObjectDisposedException"/>.</item>
/// <item>When the store was damaged, the newest changes may be gone, as the newest events are: all logs have another epoch then. Who keeps a seq in a record keeps
/// its epoch with it.</item>
/// <item>Thread-safe. A key or a list of changes that is not as described is the caller's bug: <see cref="ArgumentException"/>.</item>
/// </list>
/// </remarks>
public interface IRecordStore
{
    /// <summary>
    /// Writes all changes in one atomic, synced batch, together with whatever events wait. Fails with <see cref="IOException"/> when the store cannot write, or is
    /// closed: then nothing of it is stored, and it may be tried again.
    /// </summary>
    Task WriteAsync(IReadOnlyList<RecordChange> changes);

    /// <summary>The value of a record, or null when there is none.</summary>
    byte[]? Find(ReadOnlySpan<byte> key);

    /// <summary>All records whose key begins with <paramref name="prefix"/>, in the order of their keys as bytes; all as they were at one moment.</summary>
    IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix);
}
