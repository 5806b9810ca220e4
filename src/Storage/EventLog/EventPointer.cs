namespace WebMessenger.Storage.EventLog;

/// <summary>
/// An entry of another log that names an event: it is written in the event's batch, and says by its last 8 bytes (big-endian) which seq
/// the event has.
/// </summary>
/// <remarks>So an event is stored once and found from several logs. The log thread fills in where the entry stands.</remarks>
/// <param name="log">Where it is written; another log than the event's.</param>
/// <param name="beginning">What stands before the seq: opaque bytes, not changed by anyone until the append completes.</param>
/// <param name="inPlaceOf">
/// Its body takes the place of that of this entry of the log, which was durable before the call and keeps its seq, time and author;
/// 0: it is a new entry, of the author of the event.
/// </param>
public sealed class EventPointer(LogName log, ReadOnlyMemory<byte> beginning, long inPlaceOf = 0)
{
    /// <summary>Bytes of the seq at the end of the entry's body.</summary>
    public const int SeqBytes = sizeof(long);

    public LogName Log { get; } = log;

    public ReadOnlyMemory<byte> Beginning { get; } = beginning;

    public long InPlaceOf { get; } = inPlaceOf;

    /// <summary>The entry's seq in its log; valid when the event was <see cref="AppendOutcome.Stored"/>.</summary>
    public long Seq { get; internal set; }

    /// <summary>The epoch of its log, under which <see cref="Seq"/> counts.</summary>
    public string Epoch { get; internal set; } = "";
}
