namespace WebMessenger.Storage.EventLog;

/// <summary>What the event log takes of the disk, and gives back of it.</summary>
public interface ILogSpace
{
    /// <summary>
    /// Takes what was truncated before the call out of the files of one log, and gives their space back. Completes when that is done, after
    /// as long as reading and writing the log takes; reading and writing go on meanwhile. Ids that are still remembered stay.
    /// What a crash ends is not gone on with: call it anew. Thread-safe.
    /// </summary>
    /// <param name="cancellation">What is not begun is left; what is under way is done to its end.</param>
    /// <exception cref="IOException">It was not done to its end.</exception>
    /// <exception cref="ObjectDisposedException">The store is closed.</exception>
    Task GiveBackAsync(LogName log, CancellationToken cancellation = default);

    /// <summary>
    /// About how many bytes of the files the events of a log take, compressed as they are: to tell a large one from a small one. What was
    /// written of late is not in them yet. Reads a few blocks. Thread-safe.
    /// </summary>
    /// <exception cref="IOException">It cannot be told.</exception>
    /// <exception cref="ObjectDisposedException">The store is closed.</exception>
    long SizeOf(LogName log);
}
