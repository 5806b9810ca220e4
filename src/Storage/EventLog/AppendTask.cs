namespace WebMessenger.Storage.EventLog;

/// <summary>What became of an append; see <see cref="PendingAppend"/>.</summary>
public readonly record struct AppendResult(AppendOutcome Outcome, long Seq, DateTimeOffset At, string Epoch);

/// <summary>Appends for callers who would rather wait for a task than be called on the log thread.</summary>
public static class AppendTask
{
    /// <summary>Appends and completes with the result; a failed store is a result, not an exception.</summary>
    public static Task<AppendResult> AppendAsync(
        this IEventLog eventLog,
        LogName log,
        string author,
        string? id,
        UInt128 contentHash,
        ReadOnlyMemory<byte> body,
        IReadOnlyList<RecordChange>? changes = null,
        IReadOnlyList<RecordCondition>? conditions = null,
        IReadOnlyList<Replacement>? replacements = null,
        IReadOnlyList<EntryCondition>? entryConditions = null)
    {
        ArgumentNullException.ThrowIfNull(eventLog);
        Pending pending = new(log, author, id, contentHash, body)
        {
            Changes = changes ?? [],
            Conditions = conditions ?? [],
            Replacements = replacements ?? [],
            EntryConditions = entryConditions ?? [],
        };
        eventLog.Append(pending);
        return pending.Task;
    }

    private sealed class Pending(LogName log, string author, string? id, UInt128 contentHash, ReadOnlyMemory<byte> body)
        : PendingAppend(log, author, id, contentHash, body)
    {
        // What waits must not run on the log thread.
        private readonly TaskCompletionSource<AppendResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<AppendResult> Task => _done.Task;

        protected override void Completed() => _done.SetResult(new(Outcome, Seq, At, Epoch));
    }
}
