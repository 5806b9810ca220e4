using System.Diagnostics;
using System.Globalization;
using System.Net;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Measuring;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <param name="Nodes">How often a node is killed.</param>
/// <param name="Databases">How often PostgreSQL is ended, by turns as a power cut would and at once.</param>
internal sealed record KillPlan(int Nodes, int Databases, int Seed, int Rooms, double PerSecond);

/// <summary>
/// Clients talk while nodes and the database are killed and started again; then everything is compared with the log that is left.
/// </summary>
internal sealed class KillRun(KillPlan plan, LoadHouse house, Action<string> progress)
{
    private const int FaultsTold = 20;
    private const int BusyLife = 150;

    // Leaving takes as long as some kills, and nobody else is killed meanwhile.
    private const int LeaveOneIn = 20;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(5);

    private readonly CrashRecord _record = new();
    private readonly Random _chance = new(plan.Seed);
    private readonly Histogram _elsewhere = new();
    private readonly Histogram _starts = new();
    private readonly Histogram _leaves = new();
    private readonly List<(int Node, Task Ready)> _starting = [];
    private CrashPublisher[] _publishers = [];
    private int _ended;

    /// <summary>Accounts that the house must have.</summary>
    public static int Accounts => CrashPlan.EightPublishers.Count + CrashPlan.EightListeners.Count + 2;

    /// <summary>Rooms that the house must have: in the last one is somebody alone.</summary>
    public static int Rooms(KillPlan plan) => plan.Rooms + 1;

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        var home = house.Nodes[0].Mqtt;
        _publishers = [.. CrashPlan.EightPublishers.Select((one, i) => new CrashPublisher(
            i, one, plan.Rooms, plan.PerSecond / CrashPlan.EightPublishers.Count, home, house.Logins[i], _record, plan.Seed + 1 + i) { Doors = Doors(i) })];
        CrashListener[] listeners = [.. CrashPlan.EightListeners.Select((one, i) => new CrashListener(
            i, one, plan.Rooms, home, house.Logins[_publishers.Length + i], _record, plan.Seed + 100 + i) { Doors = Doors(i + 1) })];
        using StoredLog log = new(house.Nodes[0].Http, house.Logins[0]);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        List<Task> running = [.. listeners.Select(listener => listener.RunAsync(stop.Token))];
        Verdict verdict;
        try
        {
            await Task.WhenAll(listeners.Select(listener => listener.Subscribed)).WaitAsync(_patience, cancellation);
            var heads = await log.HeadsAsync(plan.Rooms, cancellation);
            foreach (var listener in listeners.Where((_, i) => CrashPlan.EightListeners[i].IsDurable))
            {
                listener.BeginAfter(heads);
            }

            running.AddRange(_publishers.Select(publisher => publisher.RunAsync(stop.Token)));
            running.AddRange(_publishers.Select(publisher => publisher.SpeakAsync(stop.Token)));
            await KillAsync(cancellation);
            await FinishAsync(listeners, log, cancellation);
            await stop.CancelAsync();
            await EndAsync(running);
            List<StoredRoom> rooms = [];
            for (var room = 0; room < plan.Rooms; room++)
            {
                rooms.Add(await log.ReadAsync(room, cancellation));
            }

            verdict = Checker.Check(_record, rooms);
        }
        finally
        {
            await stop.CancelAsync();
            await EndAsync(running);
        }

        return Judge(verdict);
    }

    private static Task EndAsync(List<Task> running) =>
        Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    // Behind a load balancer a client that comes again comes to any node.
    private Func<IPEndPoint> Doors(int first)
    {
        var next = first;
        return () => house.Nodes[next++ % house.Nodes.Count].Mqtt;
    }

    private async Task KillAsync(CancellationToken cancellation)
    {
        var (nodes, databases) = (plan.Nodes, plan.Databases);
        while (nodes + databases > 0)
        {
            await Task.WhenAny(_record.AcknowledgedAsync(_chance.Next(BusyLife)), Task.Delay(_patience, cancellation));
            cancellation.ThrowIfCancellationRequested();
            if (_chance.Next(nodes + databases) < nodes)
            {
                nodes--;
                var isLeaveHeard = (plan.Nodes - nodes - 1) % LeaveOneIn == 0;
                await KillNodeAsync(await VictimAsync(isLeaveHeard), isLeaveHeard, cancellation);
            }
            else
            {
                databases--;
                await StartedAsync();
                await KillDatabaseAsync(isAtOnce: databases % 2 == 0, cancellation);
            }

            if ((nodes + databases) % 10 == 0)
            {
                progress(string.Create(
                    CultureInfo.InvariantCulture, $"{plan.Nodes - nodes} nodes and {plan.Databases - databases} databases killed, {_record.Acknowledged.Count:N0} acknowledged"));
            }
        }

        await StartedAsync();
    }

    // One of those that serve, when another serves, too.
    private async Task<int> VictimAsync(bool isAlone)
    {
        while (_starting.Count > (isAlone ? 0 : house.Nodes.Count - 2) || _starting.Exists(one => one.Ready.IsCompleted))
        {
            await OneStartedAsync();
        }

        int[] serving = [.. Enumerable.Range(0, house.Nodes.Count).Except(_starting.Select(one => one.Node))];
        return serving[_chance.Next(serving.Length)];
    }

    private async Task OneStartedAsync()
    {
        var first = await Task.WhenAny(_starting.Select(one => one.Ready));
        _starting.RemoveAll(one => one.Ready == first);
        await first;
    }

    private async Task StartedAsync()
    {
        while (_starting.Count > 0)
        {
            await OneStartedAsync();
        }
    }

    private async Task KillNodeAsync(int number, bool isLeaveHeard, CancellationToken cancellation)
    {
        var node = house.Nodes[number];
        await using var lone = isLeaveHeard ? await LonePerson.EnterAsync(house, number, plan.Rooms, cancellation) : null;
        var theirs = _publishers.Where(publisher => node.Mqtt.Equals(publisher.At)).ToList();
        var killed = Stopwatch.GetTimestamp();
        await node.KillAsync();
        var left = lone?.LeftAsync(killed);
        foreach (var publisher in theirs)
        {
            while (publisher.AnsweredAt < killed)
            {
                await Task.Delay(_look, cancellation);
                if (Stopwatch.GetElapsedTime(killed) > _patience)
                {
                    _record.Notice(FaultKind.Unfinished, $"{publisher} was not talking elsewhere after {_patience}");
                    break;
                }
            }

            _elsewhere.Record(Math.Max(0, publisher.AnsweredAt - killed));
        }

        _starting.Add((number, StartAsync(node, cancellation)));
        if (left is null)
        {
            return;
        }

        try
        {
            _leaves.Record(await left);
        }
        catch (WireException)
        {
            _record.Notice(FaultKind.Unfinished, "nobody was told that who was only at a killed node has left");
        }
    }

    private async Task KillDatabaseAsync(bool isAtOnce, CancellationToken cancellation)
    {
        if (isAtOnce)
        {
            await house.House.Database.StopAtOnceAsync();
        }
        else
        {
            house.House.Database.Kill();
        }

        await house.House.Database.StartAgainAsync();
        await Task.WhenAny(_record.AcknowledgedAsync(1), Task.Delay(_patience, cancellation));
        List<Servers.ClusterNode> ended = [.. house.Nodes.Where(node => node.Process.HasEnded)];
        _ended += ended.Count;
        await Task.WhenAll(ended.Select(node => StartAsync(node, cancellation)));
    }

    private async Task StartAsync(Servers.ClusterNode node, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        await node.StartAsync(cancellation);
        lock (_starts)
        {
            _starts.Record(Stopwatch.GetTimestamp() - start);
        }
    }

    private async Task FinishAsync(CrashListener[] listeners, StoredLog log, CancellationToken cancellation)
    {
        foreach (var publisher in _publishers)
        {
            publisher.Finish();
        }

        foreach (var publisher in _publishers)
        {
            await WithinPatienceAsync(publisher.Done, () => $"{publisher} waits for acknowledgements", cancellation);
        }

        var heads = await log.HeadsAsync(plan.Rooms, cancellation);
        foreach (var (listener, reached) in listeners.Select(listener => (listener, listener.ReachAsync(heads))).ToArray())
        {
            await WithinPatienceAsync(reached, () => $"{listener.Name} is at {listener.Where()} of {string.Join(", ", heads)}", cancellation);
        }
    }

    private async Task WithinPatienceAsync(Task task, Func<string> what, CancellationToken cancellation)
    {
        try
        {
            await task.WaitAsync(_patience, cancellation);
        }
        catch (TimeoutException)
        {
            _record.Notice(FaultKind.Unfinished, what());
        }
    }

    private Outcome Judge(Verdict verdict)
    {
        List<string> problems = [.. verdict.Faults.Take(FaultsTold).Select(fault => fault.ToString())];
        if (verdict.Faults.Count > FaultsTold)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"… and {verdict.Faults.Count - FaultsTold} more."));
        }

        return new(
            [
                new("nodes killed", "", plan.Nodes), new("databases killed", "", plan.Databases), new("nodes that ended with a database", "", _ended),
                new("talking elsewhere, p50", "ms", _elsewhere.Microseconds(0.5) / 1000), new("talking elsewhere, p99", "ms", _elsewhere.Microseconds(0.99) / 1000),
                new("leave said, longest", "ms", _leaves.Microseconds(1) / 1000),
                new("start until ready, p50", "ms", _starts.Microseconds(0.5) / 1000), new("start until ready, longest", "ms", _starts.Microseconds(1) / 1000),
                new("messages said", "", _record.Said.Count), new("acknowledgements", "", _record.Acknowledged.Count), new("… refused for now", "", _record.Refused),
                new("deliveries", "", verdict.Deliveries), new("… again, to durable clients", "", verdict.Repeated),
                new("connections that ended", "", _record.Reconnects), new("FAULTS", "", verdict.Faults.Count),
            ],
            problems);
    }
}
