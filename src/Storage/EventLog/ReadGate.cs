namespace WebMessenger.Storage.EventLog;

/// <summary>Lets readers in until the store is to be closed, and tells when the last one has left.</summary>
internal sealed class ReadGate
{
    private const int Closed = int.MinValue;

    private readonly object _empty = new();

    // The number of readers inside; the sign bit is set when closed.
    private int _readers;

    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public Pass Enter()
    {
        if (Interlocked.Increment(ref _readers) < 0)
        {
            Leave();
            throw new ObjectDisposedException(typeof(RocksEventLog).FullName);
        }

        return new Pass(this);
    }

    /// <summary>Nobody enters any more; returns when everybody has left.</summary>
    public void CloseAndWait()
    {
        Interlocked.Or(ref _readers, Closed);
        lock (_empty)
        {
            while (Volatile.Read(ref _readers) != Closed)
            {
                Monitor.Wait(_empty);
            }
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _readers) == Closed)
        {
            lock (_empty)
            {
                Monitor.PulseAll(_empty);
            }
        }
    }

    /// <summary>Being inside; disposed exactly once.</summary>
    public readonly ref struct Pass(ReadGate gate)
    {
        public void Dispose() => gate.Leave();
    }
}
