using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Crash;

/// <summary>
/// Clients talk while the server is killed and started again, over and over; then everything is compared with the log that is left.
/// </summary>
/// <param name="killed">Called after each kill with how many there were, and how many messages are acknowledged.</param>
internal sealed class CrashRun(CrashPlan plan, MortalServer server, Action<string> progress, Action<int, int>? killed = null)
{
    private const int ProgressLines = 20;
    private const int FaultsTold = 20;

    /// <summary>A life that ends amid traffic ends after so many acknowledgements at most.</summary>
    private const int BusyLife = 150;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CrashRecord _record = new();
    private readonly Random _chance = new(plan.Seed);
    private readonly Histogram _starts = new();
    private readonly Histogram _stops = new();
    private int _kills;
    private int _killsAtStart;
    private int _terminations;

    /// <summary>What was done and seen so far.</summary>
    public CrashRecord Record => _record;

    /// <summary>Accounts that the server must have: one for each client.</summary>
    public static Preparation Needs(CrashPlan plan) => new(plan.Publishers.Count + plan.Listeners.Count, plan.Rooms);

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        CrashPublisher[] publishers = [.. plan.Publishers.Select((one, i) => new CrashPublisher(
            i, one, plan.Rooms, plan.PerSecond / plan.Publishers.Count, server.Mqtt, server.Logins[i], _record, plan.Seed + 1 + i))];
        CrashListener[] listeners = [.. plan.Listeners.Select((one, i) => new CrashListener(
            i, one, plan.Rooms, server.Mqtt, server.Logins[publishers.Length + i], _record, plan.Seed + 1 + publishers.Length + i))];
        using StoredLog log = new(server.Http, server.Logins[0]);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await server.StartAsync(cancellation);
        List<Task> running = [.. listeners.Select(listener => listener.RunAsync(stop.Token))];
        Verdict verdict;
        try
        {
            await Task.WhenAll(listeners.Select(listener => listener.Subscribed)).WaitAsync(Patience, cancellation);
            var heads = await log.HeadsAsync(plan.Rooms, cancellation);
            foreach (var listener in listeners.Where((_, i) => plan.Listeners[i].IsDurable))
            {
                listener.BeginAfter(heads);
            }

            running.AddRange(publishers.Select(publisher => publisher.RunAsync(stop.Token)));
            running.AddRange(publishers.Select(publisher => publisher.SpeakAsync(stop.Token)));
            await LivesAsync(cancellation);
            await FinishAsync(publishers, listeners, log, cancellation);

            // What the clients saw stays seen; what is read back must outlive one more kill.
            await stop.CancelAsync();
            await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await server.KillAsync();
            await server.StartAsync(cancellation);
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
            await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        if (verdict.Faults.Count > 0)
        {
            progress($"Faults were found; data and record stay in {server.Folder}");
            server.KeepsFolder = true;
            await WriteRecordAsync(verdict);
        }

        return new Outcome(Figures(verdict, Stopwatch.GetElapsedTime(start)), [.. verdict.Faults.Take(FaultsTold).Select(fault => fault.ToString()), .. More(verdict)]);
    }

    private static string[] More(Verdict verdict) => verdict.Faults.Count <= FaultsTold ? []
        : [string.Create(CultureInfo.InvariantCulture, $"… and {verdict.Faults.Count - FaultsTold} more.")];

    private async Task LivesAsync(CancellationToken cancellation)
    {
        var told = 0;
        var start = Stopwatch.GetTimestamp();
        while (_kills < plan.Kills)
        {
            if (Stopwatch.GetElapsedTime(start) > plan.Limit)
            {
                _record.Notice(FaultKind.Unfinished, string.Create(CultureInfo.InvariantCulture, $"the time was over after {_kills} of {plan.Kills} kills"));
                break;
            }

            await LiveAsync(cancellation);
            if (_kills * ProgressLines / plan.Kills > told)
            {
                told = _kills * ProgressLines / plan.Kills;
                progress(string.Create(CultureInfo.InvariantCulture, $"{_kills} of {plan.Kills} kills: {_record.Acknowledged.Count:N0} acknowledged, {_record.Reconnects:N0} reconnects"));
            }
        }

        await BeginLifeAsync(cancellation);
    }

    private async Task LiveAsync(CancellationToken cancellation)
    {
        if (_chance.Next(CrashPlan.KilledAtStartOneIn) == 0)
        {
            var last = _starts.Count == 0 ? 1_000_000 : _starts.Microseconds(0.5);
            await server.KillAsync();
            await server.BeginAsync();
            await Task.Delay(TimeSpan.FromMicroseconds(last * _chance.NextDouble()), cancellation);
            _killsAtStart++;
            CountKill();
        }

        await BeginLifeAsync(cancellation);

        // Half of the lives end at any moment, most of them early; half of them amid traffic, however slow the machine is.
        await (_chance.Next(2) == 0 ? AnyMomentAsync(cancellation) : BusyMomentAsync(cancellation));
        if (_chance.Next(CrashPlan.TerminatedOneIn) == 0)
        {
            var start = Stopwatch.GetTimestamp();
            var code = await server.TerminateAsync();
            _stops.Record(Stopwatch.GetElapsedTime(start).Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond);
            _terminations++;
            if (code != 0)
            {
                _record.Notice(FaultKind.BadLife, $"after {_kills} kills SIGTERM was followed by exit code {code}: {server.LastWords}");
            }
        }
        else
        {
            await server.KillAsync();
            CountKill();
        }
    }

    private void CountKill()
    {
        _kills++;
        killed?.Invoke(_kills, _record.Acknowledged.Count);
    }

    private Task AnyMomentAsync(CancellationToken cancellation)
    {
        var part = _chance.NextDouble();
        return Task.Delay(plan.LongestLife * part * part * part, cancellation);
    }

    private async Task BusyMomentAsync(CancellationToken cancellation)
    {
        await Task.WhenAny(_record.AcknowledgedAsync(_chance.Next(BusyLife)), Task.Delay(Patience, cancellation));
        cancellation.ThrowIfCancellationRequested();
    }

    private async Task BeginLifeAsync(CancellationToken cancellation)
    {
        var took = await server.StartAsync(cancellation);
        _starts.Record(took.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond);
    }

    private async Task FinishAsync(CrashPublisher[] publishers, CrashListener[] listeners, StoredLog log, CancellationToken cancellation)
    {
        foreach (var publisher in publishers)
        {
            publisher.Finish();
        }

        foreach (var publisher in publishers)
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
            await task.WaitAsync(Patience, cancellation);
        }
        catch (TimeoutException)
        {
            _record.Notice(FaultKind.Unfinished, what());
        }
    }

    private List<Figure> Figures(Verdict verdict, TimeSpan took)
    {
        List<Figure> figures =
        [
            new("SIGKILL", "times", _kills),
            new("… of it while starting", "times", _killsAtStart),
            new("SIGTERM", "times", _terminations),
            new("messages said", "", _record.Said.Count),
            new("… said again", "", _record.SentAgain),
            new("acknowledgements", "", _record.Acknowledged.Count),
            new("… refused for now", "", _record.Refused),
            new("deliveries", "", verdict.Deliveries),
            new("… again, to durable clients", "", verdict.Repeated),
            new("… the longest stretch of them", "events", verdict.LongestRepeat),
            new("connections that ended", "", _record.Reconnects),
            new("start until ready, p50", "ms", _starts.Microseconds(0.5) / 1000),
            new("start until ready, longest", "ms", _starts.Microseconds(1) / 1000),
            new("SIGTERM until ended, longest", "ms", _stops.Microseconds(1) / 1000),
            new("the whole run", "s", took.TotalSeconds),
        ];
        figures.AddRange(Enum.GetValues<FaultKind>().Select(kind => new Figure(Name(kind), "", verdict.Faults.Count(fault => fault.Kind == kind))));
        return figures;
    }

    private static string Name(FaultKind kind) => kind switch
    {
        FaultKind.AcknowledgedLost => "FAULTS: acknowledged and lost",
        FaultKind.StoredTwice => "stored twice",
        FaultKind.Hole => "holes in seq",
        FaultKind.DeliveredBeforeDurable => "delivered before durable",
        FaultKind.OutOfOrder => "delivered out of order",
        FaultKind.Repeated => "delivered twice to a catch-up client",
        FaultKind.Missed => "missed by a subscriber",
        FaultKind.WrongNumber => "acknowledged under a wrong seq",
        FaultKind.NeverSaid => "stored and never said like that",
        FaultKind.StoredOutOfOrder => "stored in another order than sent",
        FaultKind.ResetForNothing => "reset for nothing",
        FaultKind.SessionLost => "durable session lost",
        FaultKind.Refused => "refused by mistake",
        FaultKind.BadLife => "starts and stops that failed",
        FaultKind.Unfinished => "unfinished at the end",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    // One line each, so that grep finds the way of a message or of a listener.
    private async Task WriteRecordAsync(Verdict verdict)
    {
        await using StreamWriter writer = new(Path.Combine(server.Folder, "crash-record.jsonl"));
        foreach (var fault in verdict.Faults)
        {
            await writer.WriteLineAsync(JsonSerializer.Serialize(new { fault = fault.ToString() }));
        }

        foreach (var said in _record.Said)
        {
            await writer.WriteLineAsync(JsonSerializer.Serialize(new { said }));
        }

        foreach (var acknowledged in _record.Acknowledged)
        {
            await writer.WriteLineAsync(JsonSerializer.Serialize(new { acknowledged }));
        }

        foreach (var hearing in _record.Hearings)
        {
            foreach (var moment in hearing.Moments)
            {
                await writer.WriteLineAsync(JsonSerializer.Serialize(new { hearing.Name, kind = moment.Kind.ToString(), moment.Room, moment.Seq, moment.Epoch }));
            }
        }
    }
}
