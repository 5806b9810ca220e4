using System.Collections.Concurrent;
using System.Text;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>The states of logs that are in memory: those that are held open, and of the others the ones that were used last.</summary>
/// <remarks>
/// Any thread brings states in; the log thread alone takes them out, between batches, so none goes that it is about to write. <c>_gate</c>
/// guards what comes in and goes out, and is never held during a read.
/// </remarks>
/// <param name="most">So many are kept that nobody holds open, and what readers bring in until the log thread has cleared.</param>
internal sealed class LogStates(RocksDb db, int most)
{
    private readonly ConcurrentDictionary<string, LogState> _states = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly int _most = most;
    private int _count;
    private int _limit = most;
    private int _clearances;

    /// <summary>It is time for <see cref="Clear"/>.</summary>
    public bool AreMany => Volatile.Read(ref _count) > Volatile.Read(ref _limit);

    /// <summary>How many are in memory.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The state of a log, read from the store if it is not in memory.</summary>
    /// <exception cref="LogDamagedException">It cannot be read.</exception>
    public LogState Of(LogName log)
    {
        while (true)
        {
            var clearances = Volatile.Read(ref _clearances);
            if (_states.TryGetValue(log.Value, out var state))
            {
                state.IsUsed = true;
                return state;
            }

            state = new LogState(log, RocksStore.ReadHead(db, LogRecords.Prefix(Encoding.ASCII.GetBytes(log.Value))));
            lock (_gate)
            {
                // A state that was brought in, written to and taken out again since the store was read would make an old head of this one.
                // As long as none was taken out, a state that was written to is still here, and is the one that is returned.
                if (clearances == _clearances)
                {
                    return Add(log, state);
                }
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

    /// <summary>
    /// Takes out what nobody holds: what was not used since the last time, and more if that is not enough. The log thread's.
    /// </summary>
    public void Clear()
    {
        lock (_gate)
        {
            _clearances++;
            var held = 0;
            foreach (var (name, state) in _states)
            {
                if (/* guard: the head of an open log stays in memory */ state.IsHeld || state.Stale)
                {
                    held++;
                }
                else if (state.IsUsed)
                {
                    state.IsUsed = false;
                }
                else
                {
                    TakeOut(name, state);
                }
            }

            // Each clearance looks at all of them: it makes room for a quarter, so that the next one is not due at once.
            if (_count - held > _most - (_most / 4))
            {
                TakeOutUsed(held + _most - (_most / 4));
            }

            _limit = held + _most;
        }
    }

    // Under _gate.
    private void TakeOutUsed(int until)
    {
        foreach (var (name, state) in _states)
        {
            if (_count <= until)
            {
                return;
            }

            if (!state.IsHeld && !state.Stale)
            {
                TakeOut(name, state);
            }
        }
    }

    // Under _gate.
    private void TakeOut(string name, LogState state)
    {
        state.IsGone = true;
        _states.TryRemove(name, out _);
        _count--;
    }

    // Under _gate.
    private LogState Add(LogName log, LogState loaded)
    {
        var state = _states.GetOrAdd(log.Value, loaded);
        state.IsUsed = true;
        if (ReferenceEquals(state, loaded))
        {
            _count++;
        }

        return state;
    }
}
