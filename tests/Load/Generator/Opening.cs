using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>Opens many connections, some at a time: each that is open starts the next, on the thread that serves all sockets.</summary>
/// <remarks>A task for each, and its ways from thread to thread, would take longer than a fast server does.</remarks>
internal sealed class Opening(object gate, IReadOnlyList<Connection> connections, Func<int, Login?> login)
{
    private const int AtOnce = 64;

    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _begun;
    private int _opened;

    /// <exception cref="IOException">One could not be opened.</exception>
    /// <exception cref="TimeoutException">None was opened for so long.</exception>
    public async Task RunAsync(TimeSpan patience, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (connections.Count == 0)
            {
                return;
            }

            for (var i = 0; i < AtOnce; i++)
            {
                BeginNext();
            }
        }

        for (var before = -1; !_done.Task.IsCompleted;)
        {
            await Task.WhenAny(_done.Task, Task.Delay(patience, cancellation));
            cancellation.ThrowIfCancellationRequested();
            lock (gate)
            {
                if (_opened == before)
                {
                    _done.TrySetException(new TimeoutException($"For {patience.TotalSeconds:0} s no connection could be opened any more."));
                }

                before = _opened;
            }
        }

        await _done.Task;
    }

    /// <summary>Under the gate: another one is open.</summary>
    public void Opened()
    {
        if (++_opened == connections.Count)
        {
            _done.TrySetResult();
        }

        BeginNext();
    }

    /// <summary>Under the gate, and of no effect when all are open.</summary>
    public void Failed(string why) => _done.TrySetException(new IOException(why));

    private void BeginNext()
    {
        if (_begun < connections.Count)
        {
            var next = connections[_begun++];
            next.Open(login(next.Number));
        }
    }
}
