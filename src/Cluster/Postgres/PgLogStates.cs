using System.Collections.Concurrent;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The heads of logs that are in memory: those that are held open, and of the others the ones that were used last.</summary>
/// <remarks>
/// A state is in the table before its head is read. So each batch that is taken over after that finds it, and what was read counts only if
/// none of them changed it. Any thread brings states in; the writer alone takes them out, between batches. <c>_gate</c> guards what comes
/// in and goes out, and is never held during a read.
/// </remarks>
/// <param name="read">Reads a head, and waits until this node has taken over all that it shows.</param>
/// <param name="most">So many are kept that nobody holds open.</param>
internal sealed class PgLogStates(Func<LogName, PgHead> read, int most)
{
    private readonly ConcurrentDictionary<LogName, PgLogState> _states = new();
    private readonly Lock _gate = new();
    private readonly int _most = most;
    private int _count;
    private int _limit = most;

    /// <summary>It is time for <see cref="Clear"/>.</summary>
    public bool AreMany => Volatile.Read(ref _count) > Volatile.Read(ref _limit);

    /// <summary>How many are in memory.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The state of a log with its head, read from the database if it is not in memory.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public PgLogState Of(LogName log)
    {
        while (true)
        {
            var state = Place(log);
            if (state.Durable is null)
            {
                state.Load(read(log));
            }

            if (!state.IsGone)
            {
                return state;
            }
        }
    }

    /// <summary>As <see cref="Of"/>, and the state stays in memory as long as what is returned.</summary>
    public OpenLog Open(LogName log)
    {
        while (true)
        {
            var state = Of(log);
            lock (_gate)
            {
                if (!state.IsGone)
                {
                    return state.Hold();
                }
            }
        }
    }

    /// <summary>The state of a log, with or without its head.</summary>
    public PgLogState Place(LogName log)
    {
        if (_states.TryGetValue(log, out var state))
        {
            state.IsUsed = true;
            return state;
        }

        lock (_gate)
        {
            if (!_states.TryGetValue(log, out state))
            {
                _states[log] = state = new PgLogState(log);
                _count++;
            }

            state.IsUsed = true;
            return state;
        }
    }

    /// <summary>What a batch of another node has made of a log, where that is in memory. The writer's.</summary>
    public void Publish(LogName log, PgHead head)
    {
        if (_states.TryGetValue(log, out var state))
        {
            state.Publish(head);
        }
    }

    /// <summary>
    /// Takes out what nobody holds: what was not used since the last time, and more if that is not enough. The writer's.
    /// </summary>
    public void Clear()
    {
        lock (_gate)
        {
            var held = 0;
            foreach (var state in _states.Values)
            {
                if (/* guard: the head of an open log of the cluster stays in memory */ state.IsHeld)
                {
                    held++;
                }
                else if (state.IsUsed)
                {
                    state.IsUsed = false;
                }
                else
                {
                    TakeOut(state);
                }
            }

            // Each clearance looks at all of them: it makes room for a quarter, so that the next one is not due at once.
            var until = held + _most - (_most / 4);
            foreach (var state in _states.Values)
            {
                if (_count <= until)
                {
                    break;
                }

                if (!state.IsHeld)
                {
                    TakeOut(state);
                }
            }

            _limit = held + _most;
        }
    }

    // Under _gate.
    private void TakeOut(PgLogState state)
    {
        state.IsGone = true;
        _states.TryRemove(state.Log, out _);
        _count--;
    }
}
