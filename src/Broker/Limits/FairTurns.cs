namespace WebMessenger.Broker.Limits;

/// <summary>
/// Turns of work that takes long: so many at once, of them so many of one account; who waits comes next in the order of accounts, and
/// within an account in the order in which they came.
/// </summary>
/// <remarks>
/// An account that asks for very many delays nobody by more than its own share. Thread-safe. What is kept is one entry for an account
/// that has a turn or waits, and one for each that waits.
/// </remarks>
/// <param name="most">1 or more.</param>
/// <param name="mostOfAccount">0: no limit but <paramref name="most"/>.</param>
internal sealed class FairTurns(int most, int mostOfAccount)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Line> _lines = new(StringComparer.Ordinal);

    // Accounts of which somebody waits and may come; each stands there once.
    private readonly Queue<Line> _next = new();
    private int _taken;
    private int _waiting;

    public int Taken
    {
        get
        {
            lock (_gate)
            {
                return _taken;
            }
        }
    }

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting;
            }
        }
    }

    /// <summary>Waits for a turn, which ends when it is disposed of.</summary>
    /// <exception cref="OperationCanceledException">Before it came.</exception>
    public async Task<IDisposable> EnterAsync(string account, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource<IDisposable>> waiter = new(new(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            if (!_lines.TryGetValue(account, out var line))
            {
                _lines[account] = line = new Line(account);
            }

            line.Waiting.AddLast(waiter);
            _waiting++;
            Queue(line);
            GiveTurns();
        }

        await using var end = cancellation.Register(() => GiveUp(account, waiter, cancellation));
        return await waiter.Value.Task;
    }

    private void GiveUp(string account, LinkedListNode<TaskCompletionSource<IDisposable>> waiter, CancellationToken cancellation)
    {
        lock (_gate)
        {
            // It has its turn, and hears of the end by itself.
            if (waiter.List is null)
            {
                return;
            }

            var line = _lines[account];
            line.Waiting.Remove(waiter);
            _waiting--;
            Forget(line);
        }

        waiter.Value.SetCanceled(cancellation);
    }

    private void Leave(Line line)
    {
        lock (_gate)
        {
            _taken--;
            line.Taken--;
            Queue(line);
            Forget(line);
            GiveTurns();
        }
    }

    private void Queue(Line line)
    {
        if (!line.IsNext && line.Waiting.Count > 0 && (mostOfAccount == 0 || line.Taken < mostOfAccount))
        {
            line.IsNext = true;
            _next.Enqueue(line);
        }
    }

    private void GiveTurns()
    {
        while (_taken < most && _next.TryDequeue(out var line))
        {
            line.IsNext = false;
            if (line.Waiting.First is { } waiter)
            {
                line.Waiting.RemoveFirst();
                _waiting--;
                _taken++;
                line.Taken++;
                waiter.Value.SetResult(new Turn(this, line));
                Queue(line);
            }

            Forget(line);
        }
    }

    private void Forget(Line line)
    {
        if (line is { Taken: 0, IsNext: false, Waiting.Count: 0 })
        {
            _lines.Remove(line.Account);
        }
    }

    private sealed class Line(string account)
    {
        public string Account => account;

        public LinkedList<TaskCompletionSource<IDisposable>> Waiting { get; } = [];

        public int Taken { get; set; }

        public bool IsNext { get; set; }
    }

    private sealed class Turn(FairTurns turns, Line line) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                turns.Leave(line);
            }
        }
    }
}
