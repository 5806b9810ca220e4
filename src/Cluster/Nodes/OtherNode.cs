namespace WebMessenger.Cluster.Nodes;

/// <summary>What this node knows of another one.</summary>
/// <remarks>Changed by the thread of the lease only, but for what says otherwise.</remarks>
internal sealed class OtherNode(NodeRow row, TimeSpan now)
{
    // Clocks of two machines do not go apart by more in that time.
    private static readonly TimeSpan _quietAfter = NodeLease.Holds + TimeSpan.FromMilliseconds(20);

    private readonly TaskCompletionSource _silent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NodeRow _row = row;
    private volatile bool _isQuiet;
    private long _seenSince = now.Ticks;
    private bool _isFenced;
    private bool _isWaitedFor;
    private int _isBurying;

    public string Name => _row.Name;

    public NodeRow Row => _row;

    /// <summary>When this node first saw the last renewal, by <see cref="LeaseClock"/>.</summary>
    public TimeSpan SeenSince
    {
        get => new(Volatile.Read(ref _seenSince));
        private set => Volatile.Write(ref _seenSince, value.Ticks);
    }

    /// <summary>Completes when it is certain to write nothing to its clients any more.</summary>
    public Task Silent => _silent.Task;

    /// <summary>
    /// When the last look began it wrote nothing to its clients: it had renewed its lease for the last time before
    /// <see cref="SeenSince"/>, longer ago than a lease holds. It goes on when it has renewed it, and then heard and answered all.
    /// </summary>
    /// <remarks>By this node's clock alone: that of the database may have been set meanwhile.</remarks>
    public bool IsQuiet => _isQuiet;

    /// <summary>A look would show whether it <see cref="IsQuiet"/>, as far as time goes.</summary>
    public bool MayBeQuiet => LeaseClock.Now - SeenSince > _quietAfter;

    /// <summary>It has served, and may have clients: all there is to be asked. Who begins to serve hears what was written before.</summary>
    public bool MayHaveClients => _row.State == NodeRows.Serving;

    /// <summary>It hears and answers, as far as its row says.</summary>
    public bool IsServing => _row is { IsDead: false, State: NodeRows.Serving };

    /// <param name="began">When the look began.</param>
    public void See(NodeRow row, TimeSpan began, TimeSpan now, bool isAfterGap)
    {
        if (isAfterGap || row.Renewed != _row.Renewed)
        {
            SeenSince = now;
        }

        _isQuiet = /* guard: a node is quiet when a lease has run out since its last renewal was seen */ began - SeenSince > _quietAfter;

        _row = row;
        if (!row.IsDead)
        {
            return;
        }

        if (row.Age > NodeRows.Over)
        {
            SetSilent();
        }
        else if (!_isWaitedFor)
        {
            _isWaitedFor = true;
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
