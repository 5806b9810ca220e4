using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Storage.EventLog;

/// <summary>What was done to a log; the number is what the journal keeps and must never change.</summary>
public enum JournalKind : byte
{
    /// <summary>Events got the numbers <c>From</c> to <c>To</c>.</summary>
    Append = 1,

    /// <summary>The bodies of <c>From</c> to <c>To</c> are others now.</summary>
    Replace = 2,

    /// <summary>Events <c>From</c> to <c>To</c>, the oldest, are gone.</summary>
    Truncate = 3,

    /// <summary>The log is gone with all its events, of which <c>To</c> was the last.</summary>
    Drop = 4,
}

/// <summary>One thing that was done to one log.</summary>
public readonly record struct LogChange(LogName Log, JournalKind Kind, long From, long To);

/// <summary>
/// All that one batch did, which is on disk as a whole.
/// The changes of one log are in the order in which they happened, but for replacing: it comes first, neighbours as one stretch.
/// </summary>
public readonly record struct JournalBatch(long Number, IReadOnlyList<LogChange> Changes);

/// <summary>
/// A place in the journal: everything up to <see cref="Number"/>.
/// The epoch changes when numbers may be given a second time: after a damage, or a restore.
/// </summary>
public readonly record struct JournalPosition(string Epoch, long Number)
{
    /// <summary>For whoever keeps it: number (8, big-endian), epoch.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[8 + Epoch.Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Number);
        Encoding.ASCII.GetBytes(Epoch, bytes.AsSpan(8));
        return bytes;
    }

    /// <summary>Null: these bytes are no position.</summary>
    public static JournalPosition? Read(ReadOnlySpan<byte> bytes) =>
        bytes.Length > 8 ? new(Encoding.ASCII.GetString(bytes[8..]), BinaryPrimitives.ReadInt64BigEndian(bytes)) : null;
}

/// <summary>A stretch of the journal, oldest first.</summary>
/// <param name="IsGap">
/// What follows the place that was asked for is not kept any more, or the place is of other data:
/// whoever follows begins from the logs, and goes on from <see cref="Next"/>.
/// </param>
/// <param name="Next">Where to read on.</param>
/// <param name="IsCut">It ends where it is as long as it may be: perhaps more was there already.</param>
public readonly record struct JournalPage(bool IsGap, JournalPosition Next, IReadOnlyList<JournalBatch> Batches, bool IsCut = false);

/// <summary>
/// What was done to all logs, in order: for followers, which derive something from them (an index,
/// counts, what is to be cleaned up) and must miss nothing.
/// </summary>
/// <remarks>
/// Contract, the same for every implementation (one suite of tests runs against each):
/// <list type="bullet">
/// <item>An entry is on disk with what it tells of, in the same batch: neither is ever there without the other.
/// What is readable in a log is in the journal.</item>
/// <item>An entry says where to look, and no more. What lies there is read from the log, and is as it is by then:
/// it may have been replaced, or have gone, since.</item>
/// <item>It is kept for 7 days, and up to 256 MB of it. Data of a program that kept no journal (0.1) begin with an empty one.
/// A follower for which that is not enough is told so (<see cref="JournalPage.IsGap"/>), never served with a hole.</item>
/// <item>Numbers grow from batch to batch, and may leave some out.</item>
/// <item>Reads never block appends. What cannot be read is never served:
/// they throw <see cref="IOException"/>, and after disposal <see cref="ObjectDisposedException"/>.</item>
/// <item>Thread-safe.</item>
/// </list>
/// </remarks>
public interface IJournal
{
    /// <summary>
    /// At most <paramref name="limit"/> (1 to 1,000) batches after a place; null: after none, which is a gap.
    /// Fewer when they are large, and none at the end.
    /// </summary>
    JournalPage ReadJournal(JournalPosition? after, int limit);

    /// <summary>
    /// Completes when there is more to read than this place; at once when there is.
    /// Fails with <see cref="ObjectDisposedException"/> at the end.
    /// </summary>
    Task WaitAsync(JournalPosition after, CancellationToken cancellation);

    /// <summary>
    /// The names of at most <paramref name="limit"/> (1 to 1,000) logs that have, or had, an event,
    /// after a name in the order of their bytes; null: from the first. For whoever begins from the logs:
    /// who asks for the end of the journal first, then reads the logs, and then follows from there, misses none.
    /// </summary>
    IReadOnlyList<LogName> ReadLogs(LogName? after, int limit);
}
