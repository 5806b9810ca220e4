namespace WebMessenger.Storage.EventLog;

/// <summary>
/// Derives something from all logs: counts, an index, what is to be cleaned up.
/// <see cref="Following"/> brings it what happened, in order, and keeps its place.
/// </summary>
/// <remarks>
/// What it returns is written in one batch with its place: so that is done exactly once, whatever dies when.
/// What it writes elsewhere is done at least once, and has to come out the same when done again. Its calls never overlap.
/// An <see cref="IOException"/> of it is tried again after a while. So a log that cannot be read is the follower's own concern:
/// it leaves that log out, or it would never come to the others. All else is a bug, and ends the following.
/// </remarks>
public interface IFollower
{
    /// <summary>Of the record of its place: 1 to 64 bytes of ASCII, its own, for ever the same.</summary>
    string Name { get; }

    /// <summary>How much is brought together: it hears of what happened so late, and costs no more than one write in that time.</summary>
    TimeSpan Gathers { get; }

    /// <summary>
    /// Completed: what it has derived is lost, or wanted anew, and it begins from the logs wherever its place is.
    /// It is another task after <see cref="ForgetAsync"/>. Null: that never happens.
    /// </summary>
    Task? MustBegin => null;

    /// <summary>It begins from the logs: what it has derived so far, if anything, is to be forgotten.</summary>
    Task ForgetAsync(CancellationToken cancellation);

    /// <summary>
    /// Derives what one log, as it is now, has to give. Once a log after <see cref="ForgetAsync"/>;
    /// what happens to it meanwhile comes by <see cref="FollowAsync"/> afterwards, also where it was seen here already.
    /// </summary>
    Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation);

    /// <summary>All logs were begun, and that is stored: what comes from here on is new.</summary>
    void HasBegun()
    {
        // Most follow as they began.
    }

    /// <summary>Derives what these batches bring. They only say where to look; what lies there may be newer, or gone.</summary>
    Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation);
}
