using Microsoft.Extensions.Logging;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What other nodes wrote, taken over in the order of its numbers: heads in memory first, then whoever listens.</summary>
/// <remarks>
/// Any thread brings batches and waits; the writer alone takes them over. <c>_gate</c> guards what was brought and who waits, and is
/// never held while anybody is told.
/// </remarks>
internal sealed class PgHearing(PgLogStates states, PgJournal journal, PgEventLogOptions options, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly List<(long Number, TaskCompletionSource Done)> _waiting = [];
    private readonly SortedDictionary<long, HeardBatch> _brought = [];
    private long _wanted;
    private long _applied;
    private bool _isClosed;
    private Task _owed = Task.CompletedTask;

    // The writer's own: what was heard before those who listen were there.
    private List<ReplicatedBatch>? _kept = [];
    private long _keptBytes;

    public ReplicationListeners Listeners { get; } = new(logger);

    /// <summary>The last batch that this node has taken over, or written.</summary>
    public long Applied => Volatile.Read(ref _applied);

    /// <summary>Called, by any thread, when there is something to take over, or somebody waits for it.</summary>
    public Action Wake { get; set; } = static () => { };

    /// <summary>The next one was brought.</summary>
    public bool HasNext
    {
        get
        {
            lock (_gate)
            {
                return _brought.Count > 0 && _brought.ContainsKey(_applied + 1);
            }
        }
    }

    /// <summary>More was written than this node has taken over, as far as it knows.</summary>
    public bool IsBehind
    {
        get
        {
            lock (_gate)
            {
                return _wanted > _applied || _brought.Count > 0;
            }
        }
    }

    /// <summary>More was kept than this node has room for: whoever listens comes too late.</summary>
    public bool HasKeptTooMuch => _keptBytes > options.KeptBytes;

    /// <summary>Before anything is written or heard.</summary>
    public void Start(long number) => _applied = number;

    /// <summary>What another node has brought; or that there is a batch of this number.</summary>
    public void Bring(long number, HeardBatch? batch)
    {
        lock (_gate)
        {
            _wanted = Math.Max(_wanted, number);

            // Beyond that, numbers tell what is missing.
            if (batch is not null && number > _applied && _brought.Count < options.FeedStep)
            {
                _brought[number] = batch;
            }
        }

        Wake();
    }

    /// <summary>Completes when this node has taken over all up to a number, and done what it owes for that.</summary>
    /// <exception cref="ObjectDisposedException">The log was closed before.</exception>
    public async Task AppliedAsync(long number)
    {
        await ReachedAsync(number);
        await Volatile.Read(ref _owed);
    }

    /// <summary>Waits on the caller's thread until this node has taken over all up to a number; false: it took too long.</summary>
    /// <remarks>The writer wakes it itself: were it the pool's to do, readers who wait on all of its threads would wait for each
    /// other.</remarks>
    /// <exception cref="ObjectDisposedException">The log was closed before.</exception>
    public bool WaitFor(long number, TimeSpan patience)
    {
        try
        {
            return ReachedAsync(number).Wait(patience);
        }
        catch (AggregateException error)
        {
            throw new ObjectDisposedException(typeof(PgEventLog).FullName, error.InnerException);
        }
    }

    /// <summary>Takes over what was brought, as far as nothing is missing. The writer's.</summary>
    public void TakeOver()
    {
        while (true)
        {
            HeardBatch? next;
            lock (_gate)
            {
                while (_brought.Count > 0 && _brought.First().Key is var first && first <= _applied)
                {
                    _brought.Remove(first);
                }

                if (!_brought.Remove(_applied + 1, out next))
                {
                    return;
                }
            }

            TakeOver(next);
        }
    }

    /// <summary>Takes over what was read from the feed; false where a batch is missing, or is not understood. The writer's.</summary>
    public bool TakeOver(IReadOnlyList<(long Number, byte[] Payload)> feed)
    {
        foreach (var (number, payload) in feed)
        {
            if (number <= _applied)
            {
                continue;
            }

            HeardBatch? brought;
            lock (_gate)
            {
                _brought.Remove(number, out brought);
            }

            if ((/* guard: nothing that was written is skipped */ number != _applied + 1) || (brought ?? HeardBatch.Decode(number, payload)) is not { } batch)
            {
                return false;
            }

            TakeOver(batch);
        }

        return true;
    }

    /// <summary>What this node wrote is stored; its own memory is changed by whoever wrote it. The writer's.</summary>
    public void Wrote(long number) => Reach(number);

    /// <summary>Those who listen are there: they hear what was kept. The writer's.</summary>
    public void Begin()
    {
        if (_kept is not { } kept)
        {
            return;
        }

        _kept = null;
        _keptBytes = 0;
        Listeners.Begin();
        kept.ForEach(Tell);
    }

    /// <summary>Nothing is taken over any more.</summary>
    public void Close()
    {
        List<(long, TaskCompletionSource Done)> waiting;
        lock (_gate)
        {
            _isClosed = true;
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        waiting.ForEach(one => one.Done.TrySetException(new ObjectDisposedException(typeof(PgEventLog).FullName)));
    }

    private Task ReachedAsync(long number)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (number <= _applied)
            {
                return Task.CompletedTask;
            }

            if (_isClosed)
            {
                return Task.FromException(new ObjectDisposedException(typeof(PgEventLog).FullName));
            }

            _wanted = Math.Max(_wanted, number);
            _waiting.Add((number, done));
        }

        Wake();
        return done.Task;
    }

    private void TakeOver(HeardBatch batch)
    {
        foreach (var (log, head) in batch.Heads)
        {
            states.Publish(log, head);
        }

        if (batch.Changes.Count > 0)
        {
            journal.Publish(batch.Number);
        }

        var heard = batch.ToReplicated();
        if (_kept is null)
        {
            Tell(heard);
        }
        else
        {
            // The logs have the events.
            _kept.Add(heard with { Logs = [.. heard.Logs.Select(log => log with { Entries = [] })] });
            _keptBytes += SizeOf(heard);
        }

        Reach(batch.Number);
    }

    private void Tell(ReplicatedBatch heard)
    {
        var owed = Listeners.Hear(heard);
        if (!owed.IsCompleted)
        {
            Volatile.Write(ref _owed, _owed.IsCompleted ? owed : Task.WhenAll(_owed, owed));
        }
    }

    private void Reach(long number)
    {
        List<TaskCompletionSource> reached = [];
        lock (_gate)
        {
            Volatile.Write(ref _applied, number);
            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                if (_waiting[i].Number <= number)
                {
                    reached.Add(_waiting[i].Done);
                    _waiting.RemoveAt(i);
                }
            }
        }

        reached.ForEach(done => done.SetResult());
    }

    private static long SizeOf(ReplicatedBatch batch) =>
        100 + batch.Records.Sum(record => record.Key.Length + (record.Value?.Length ?? 0)) + batch.Documents.Sum(document => document.Json.Length)
        + (100L * batch.Logs.Count);
}
