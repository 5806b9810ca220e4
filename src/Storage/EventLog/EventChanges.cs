namespace WebMessenger.Storage.EventLog;

/// <summary>Another body for an earlier event of the same log, which keeps its seq, time, author and id.</summary>
/// <param name="Body">Opaque bytes, not changed by anyone until the append completes.</param>
public readonly record struct Replacement(long Seq, ReadOnlyMemory<byte> Body);

/// <summary>An earlier event of the same log is there, and is as whoever appends has read it.</summary>
/// <param name="ChangedBy"><see cref="LogEntry.ChangedBy"/> as it was read; 0: it was never changed.</param>
public readonly record struct EntryCondition(long Seq, long ChangedBy);
