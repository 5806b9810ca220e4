using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cut;

/// <param name="PerSecond">Messages a second, all publishers together.</param>
/// <param name="KillsServer">The server is killed and started again; otherwise it stays, and every member's connection is reset.</param>
/// <param name="Pause">What a member waits, on average, after it found nobody there.</param>
internal sealed record CutPlan(int Members, int Rooms, int Publishers, double PerSecond, bool KillsServer, TimeSpan Pause);

/// <summary>All members of busy rooms are cut at once: how long until all are back, and where the time goes.</summary>
internal sealed class CutRun(CutPlan plan, MortalServer server)
{
    private const int ProblemsTold = 10;
    private const int AccountsAtMost = 100;

    /// <summary>Before the cut, everybody has heard so many messages.</summary>
    private const int HeardBefore = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CrashRecord _record = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private CutMember[] _members = [];
    private CrashPublisher[] _publishers = [];

    public static Preparation Needs(CutPlan plan) => new(Math.Min(AccountsAtMost, plan.Members) + plan.Publishers, plan.Rooms);

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        var accounts = server.Logins.Count - plan.Publishers;
        _members = [.. Enumerable.Range(0, plan.Members).Select(i => new CutMember(i, i % plan.Rooms, plan.Pause, server.Mqtt, server.Logins[i % accounts], _record, i))];
        _publishers = [.. Enumerable.Range(0, plan.Publishers).Select(i => new CrashPublisher(
            i, new PublisherPlan(MqttVersion.V5, 1, SendsDuplicates: true), plan.Rooms, plan.PerSecond / plan.Publishers, server.Mqtt, server.Logins[accounts + i], _record, i, isSteady: true))];
        using var log = new StoredLog(server.Http, server.Logins[0]);
        try
        {
            await server.StartAsync(cancellation);
            _running.AddRange(_publishers.Select(publisher => publisher.RunAsync(_stop.Token)));
            _running.AddRange(_publishers.Select(publisher => publisher.SpeakAsync(_stop.Token)));
            var figures = await ComeAsync(cancellation);
            figures.AddRange(await ComeBackAsync(cancellation));
            await FinishAsync(log, cancellation);
            return new Outcome(figures, Problems());
        }
        finally
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            _stop.Dispose();
        }
    }

    private async Task<List<Figure>> ComeAsync(CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        _running.AddRange(_members.Select(member => member.RunAsync(_stop.Token)));
        await AllAsync(_members.Select(member => member.BackAsync()), "come in", cancellation);
        var came = Stopwatch.GetElapsedTime(start);
        await AllAsync(_members.Select(member => member.ReachAsync(member.Last + HeardBefore)), "hear what is said", cancellation);
        return [new("all in for the first time", "ms", came.TotalMilliseconds)];
    }

    private async Task<List<Figure>> ComeBackAsync(CancellationToken cancellation)
    {
        foreach (var member in _members)
        {
            member.Expect();
        }

        var ready = TimeSpan.Zero;
        var cut = Stopwatch.GetTimestamp();
        if (plan.KillsServer)
        {
            await server.KillAsync();
            ready = await server.StartAsync(cancellation);
        }
        else
        {
            foreach (var member in _members)
            {
                member.CutNow();
            }
        }

        var cutDone = Stopwatch.GetTimestamp();
        var (cpuBefore, ownBefore) = (plan.KillsServer ? TimeSpan.Zero : server.Process.Cpu, Environment.CpuUsage.TotalTime);
        await AllAsync(_members.Select(member => member.BackAsync()), "come back", cancellation);
        var last = _members.Max(member => member.Way.CaughtUp);
        var since = Stopwatch.GetElapsedTime(cut, last);
        List<Figure> figures =
        [
            new("ALL BACK, from the cut", "ms", since.TotalMilliseconds),
            new(plan.KillsServer ? "… of it until the server is ready" : "… of it until all sockets were cut", "ms", Stopwatch.GetElapsedTime(cut, cutDone).TotalMilliseconds),
        ];
        Add(figures, "connected", cut, way => way.Connected);
        Add(figures, "CONNACK", cut, way => way.Accepted);
        Add(figures, "SUBACK", cut, way => way.Subscribed);
        Add(figures, "caught up", cut, way => way.CaughtUp);
        figures.Add(new Figure("server CPU until all are back", "ms", (server.Process.Cpu - cpuBefore).TotalMilliseconds));
        figures.Add(new Figure("generator CPU meanwhile", "ms", (Environment.CpuUsage.TotalTime - ownBefore).TotalMilliseconds));
        if (plan.KillsServer)
        {
            figures.Add(new Figure("server start until ready", "ms", ready.TotalMilliseconds));
        }

        return figures;
    }

    private void Add(List<Figure> figures, string what, long cut, Func<WayBack, long> when)
    {
        double[] times = [.. _members.Select(member => Stopwatch.GetElapsedTime(cut, when(member.Way)).TotalMilliseconds).Order()];
        figures.Add(new Figure($"{what}, median", "ms", times[times.Length / 2]));
        figures.Add(new Figure($"{what}, p99", "ms", times[(int)((times.Length - 1) * 0.99)]));
        figures.Add(new Figure($"{what}, last", "ms", times[^1]));
    }

    private async Task FinishAsync(StoredLog log, CancellationToken cancellation)
    {
        foreach (var publisher in _publishers)
        {
            publisher.Finish();
        }

        await AllAsync(_publishers.Select(publisher => publisher.Done), "finish speaking", cancellation);
        var heads = await log.HeadsAsync(plan.Rooms, cancellation);
        await AllAsync(_members.Select(member => member.ReachAsync(heads[member.Room])), "hear the last message", cancellation);
    }

    private static async Task AllAsync(IEnumerable<Task> tasks, string what, CancellationToken cancellation)
    {
        Task[] all = [.. tasks];
        try
        {
            await Task.WhenAll(all).WaitAsync(Patience, cancellation);
        }
        catch (TimeoutException)
        {
            throw new LoadException(string.Create(CultureInfo.InvariantCulture, $"After {Patience.TotalSeconds:0} s {all.Count(task => !task.IsCompleted)} clients did not {what}."));
        }
    }

    private string[] Problems()
    {
        var noticed = _record.Noticed;
        return [.. noticed.Take(ProblemsTold).Select(fault => fault.ToString()), .. noticed.Count > ProblemsTold ? [$"… and {noticed.Count - ProblemsTold} more."] : Array.Empty<string>()];
    }
}
