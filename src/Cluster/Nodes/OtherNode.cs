namespace WebMessenger.Cluster.Nodes;

/// <summary>What this node knows of another one.</summary>
/// <remarks>Changed by the thread of the lease only, but for what says otherwise.</remarks>
internal sealed class OtherNode(NodeRow row, TimeSpan now)
{
    private readonly TaskCompletionSource _silent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NodeRow _row = row;
    private bool _isFenced;
    private int _isBurying;

    public string Name => _row.Name;

    public NodeRow Row => _row;

    /// <summary>When this node first saw the last renewal, by <see cref="LeaseClock"/>.</summary>
    public TimeSpan SeenSince { get; private set; } = now;

    /// <summary>Completes when it is certain to write nothing to its clients any more.</summary>
    public Task Silent => _silent.Task;

    /// <summary>It hears and answers, as far as its row says.</summary>
    public bool IsServing => _row is { IsDead: false, State: NodeRows.Serving };

    public void See(NodeRow row, TimeSpan now, bool isAfterGap)
    {
        var wasDead = _row.IsDead;
        if (isAfterGap || row.Renewed != _row.Renewed)
        {
            SeenSince = now;
        }

        _row = row;
        if (!row.IsDead)
        {
            return;
        }

        if (row.Age > NodeRows.Over)
        {
            SetSilent();
        }
        else if (!wasDead)
        {
            // Its lease was renewed a moment ago, and will not be again.
            _ = SetSilentLaterAsync();
        }
    }

    /// <summary>Thread-safe.</summary>
    public void SetSilent() => _silent.TrySetResult();

    /// <summary>Whether the caller is the first who sees it dead.</summary>
    public bool TryFence()
    {
        var isFirst = !_isFenced;
        _isFenced = true;
        return isFirst;
    }

    /// <summary>Whether nobody declares it dead just now.</summary>
    public bool TryBury() => Interlocked.Exchange(ref _isBurying, 1) == 0;

    /// <summary>Thread-safe.</summary>
    public void EndBurying() => Volatile.Write(ref _isBurying, 0);

    private async Task SetSilentLaterAsync()
    {
        // By this machine's clock, which goes on while it sleeps; a timer alone may be early by its tick.
        for (var until = LeaseClock.Now + NodeLease.Holds; LeaseClock.Now <= until;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }

        SetSilent();
    }
}
