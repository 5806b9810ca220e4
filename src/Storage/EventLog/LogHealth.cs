namespace WebMessenger.Storage.EventLog;

/// <summary>Whether the event log can be written to, for supervisors. The log thread sets it; anybody reads it.</summary>
internal sealed class LogHealth
{
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isWriting = true;

    /// <summary>False from a write that failed until one succeeds.</summary>
    public bool IsWriting
    {
        get => _isWriting;
        set => _isWriting = value;
    }

    /// <summary>
    /// Completes, with what was wrong in one line, when writing fails and will not go on before the store is opened anew.
    /// </summary>
    public Task<string> Lost => _lost.Task;

    public void Lose(string error) => _lost.TrySetResult(error);
}
