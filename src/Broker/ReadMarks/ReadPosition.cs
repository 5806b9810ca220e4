namespace WebMessenger.Broker.ReadMarks;

/// <summary>One account's position in one log.</summary>
/// <remarks>Guarded by the gate of <see cref="AccountPositions"/>.</remarks>
internal sealed class ReadPosition(Mark now, bool isStored = true)
{
    private TaskCompletionSource<bool>? _beingWritten;
    private TaskCompletionSource<bool>? _next;
    private Mark _writing;

    private bool _isBack;
    private bool _isWritingBack;

    /// <summary>What clients are told: on disk, but for a beginning that nobody was promised.</summary>
    public Mark Now { get; private set; } = now;

    /// <summary>What is to be on disk as soon as it can be written.</summary>
    public Mark Wanted { get; private set; } = now;

    /// <summary>What is on disk; null: nothing.</summary>
    public Mark? Stored { get; private set; } = isStored ? now : null;

    /// <summary>The account left, or the room is gone: what is still on its way counts for nothing.</summary>
    public bool IsForgotten { get; set; }

    public bool IsBeingWritten => _beingWritten is not null;

    /// <summary>Takes another mark at once; it is written without anybody waiting.</summary>
    public void Become(Mark mark) => (Now, Wanted) = (mark, mark);

    /// <summary>
    /// Asks for a mark further on. True when a write that covers it is on disk; false when it could not be written.
    /// Many that come while one is written are one write after it.
    /// </summary>
    public Task<bool> Advance(Mark mark)
    {
        if (mark.Epoch != Wanted.Epoch || mark.Seq > Wanted.Seq)
        {
            Wanted = mark;
        }

        if (IsBeingWritten && _writing.Epoch == mark.Epoch && _writing.Seq >= mark.Seq)
        {
            return _beingWritten!.Task;
        }

        return (_next ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>Asks for a mark further back. As <see cref="Advance"/>.</summary>
    public Task<bool> GoBack(Mark mark)
    {
        (Wanted, _isBack) = (mark, true);
        return (_next ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>
    /// Another node has written it. What this node wants is judged against it when its own write, which was conditional, comes back.
    /// True: clients are to be told of a change.
    /// </summary>
    public bool Heard(Mark mark)
    {
        if (!IsBeingWritten && Wanted == Now)
        {
            Wanted = mark;
        }

        var hasChanged = Now != mark;
        (Now, Stored) = (mark, mark);
        return hasChanged;
    }

    /// <summary>
    /// The write was refused, for another was on disk. True: it is to be written again; else that one is as far.
    /// </summary>
    /// <param name="found">What is on disk; null: nothing.</param>
    /// <param name="before">What was, as far as was known, when the write was handed over.</param>
    public bool TryWriteAgain(Mark? found, Mark? before, out Mark mark)
    {
        mark = Wanted;

        // Not heard of another node: an earlier stay left it behind, and it counts for nothing.
        var isLeftBehind = Stored == before;
        Stored = isLeftBehind ? found : Stored;
        if (!IsForgotten && Wanted != Stored
            && (isLeftBehind || _isWritingBack || _isBack || Stored is not { } stored || stored.Epoch != Wanted.Epoch || stored.Seq < Wanted.Seq))
        {
            _writing = Wanted;
            (_isWritingBack, _isBack) = (_isWritingBack || _isBack, false);
            return true;
        }

        Wanted = Now;
        _beingWritten!.SetResult(!IsForgotten);
        _beingWritten = null;
        return false;
    }

    /// <summary>What to write now; false: nothing.</summary>
    public bool TryBeginWrite(out Mark mark)
    {
        mark = _writing = Wanted;
        (_isWritingBack, _isBack) = (_isBack, false);
        if (IsForgotten || Stored == Wanted)
        {
            _next?.SetResult(!IsForgotten);
            _next = null;
            return false;
        }

        _beingWritten = _next ?? new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _next = null;
        return true;
    }

    /// <summary>The write is over. True: clients are to be told of a change.</summary>
    public bool EndWrite(bool isStored)
    {
        var hasChanged = false;
        if (isStored)
        {
            Stored = _writing;

            // Unless it has become something else meanwhile.
            hasChanged = !IsForgotten && (_writing.Seq > Now.Seq || (_isWritingBack && _writing != Now)) && (Now.Seq == 0 || _writing.Seq == 0 || _writing.Epoch == Now.Epoch);
            Now = hasChanged ? _writing : Now;
        }
        else
        {
            // Whoever asked is told, and asks again.
            Wanted = Now;
            _next?.SetResult(false);
            _next = null;
        }

        _beingWritten!.SetResult(isStored && !IsForgotten);
        _beingWritten = null;
        return hasChanged;
    }
}
