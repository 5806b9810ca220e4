using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Devices;

/// <summary>What came of asking for a trace.</summary>
internal enum TraceBeginning
{
    /// <summary>It runs; it may have run before.</summary>
    Runs,

    /// <summary>Another device of the room is being traced.</summary>
    RoomIsBusy,

    /// <summary>Whoever asks has as many traced as one may.</summary>
    AccountIsBusy,

    /// <summary>As many are traced on this server as may be.</summary>
    ServerIsBusy,
}

/// <summary>The devices that are traced now, or were a moment ago.</summary>
/// <remarks>Thread-safe. <c>_gate</c> is a leaf lock.</remarks>
internal sealed class DeviceTraces(BrokerLimits limits, TimeProvider time)
{
    /// <summary>It can be read for so long after its end.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DeviceTrace> _byToken = [];

    /// <summary>How many are held, the ended ones with them.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byToken.Count;
            }
        }
    }

    /// <summary>Null: there is none, or not any more.</summary>
    public DeviceTrace? Find(string token)
    {
        lock (_gate)
        {
            return _byToken.GetValueOrDefault(token);
        }
    }

    /// <summary>
    /// Begins to trace a device, unless that is done already. Whoever begins then tells the connections that there are; those that come
    /// look for themselves (<see cref="Join"/>).
    /// </summary>
    /// <param name="room">Key of the room of the mount.</param>
    /// <param name="by">Id of the account that asks.</param>
    public TraceBeginning Begin(string room, string token, string by, out DeviceTrace? trace)
    {
        lock (_gate)
        {
            trace = _byToken.GetValueOrDefault(token);
            if (trace is { IsOver: false })
            {
                return TraceBeginning.Runs;
            }

            var running = _byToken.Values.Where(one => !one.IsOver).ToList();
            if (/* guard: traces of a room */ running.Exists(one => one.Room == room))
            {
                return TraceBeginning.RoomIsBusy;
            }

            var (most, mostOfAccount) = (limits.DeviceTraces, limits.DeviceTracesPerAccount);
            if (/* guard: traces of an account */ mostOfAccount > 0 && running.Count(one => one.By == by) >= mostOfAccount)
            {
                return TraceBeginning.AccountIsBusy;
            }

            if (/* guard: traces of all rooms */ most > 0 && running.Count >= most)
            {
                return TraceBeginning.ServerIsBusy;
            }

            // Those that have ended give way, of this room all and then the oldest: what is held is no more than what may run.
            foreach (var over in _byToken.Values.Where(one => one.IsOver).OrderBy(one => one.Began).ToList())
            {
                if (over.Room == room || (most > 0 && _byToken.Count >= most))
                {
                    _byToken.Remove(over.Token);
                }
            }

            _byToken[token] = trace = new DeviceTrace(token, room, by, limits.DeviceTracePackets, time);
            return TraceBeginning.Runs;
        }
    }

    /// <summary>A device has connected: if it is traced, this is noted, and its packets from here on.</summary>
    /// <param name="watch">What the connection's writer has by now. Null: it is no device's.</param>
    public void Join(DeviceWatch? watch, LoginSession session)
    {
        if (watch is not null && Find(session.Id) is { } trace)
        {
            watch.Connected(trace);
        }
    }

    /// <summary>Forgets what nobody has to read any more. Called about once a second.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            foreach (var (token, trace) in _byToken)
            {
                if (trace.Age >= DeviceTrace.Length + KeptFor)
                {
                    _byToken.Remove(token);
                }
            }
        }
    }
}
