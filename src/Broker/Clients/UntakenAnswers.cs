namespace WebMessenger.Broker.Clients;

/// <summary>
/// Answers to a client whose socket takes nothing more. Beyond a limit the client is not read on, or they would have no end.
/// </summary>
/// <remarks>A field of <see cref="Writer"/>, under its gate; but for <see cref="AreTooMany"/>, which may be asked without it.</remarks>
internal struct UntakenAnswers
{
    private const int LimitBytes = 16 * 1024;

    private int _bytes;
    private TaskCompletionSource? _taken;

    public bool AreTooMany => Volatile.Read(ref _bytes) >= LimitBytes;

    public void Add(int bytes) => _bytes += bytes;

    /// <summary>Completes when the client has taken them, or can take nothing any more.</summary>
    public Task Taken() => (_taken ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Clear()
    {
        _bytes = 0;
        _taken?.TrySetResult();
        _taken = null;
    }
}
