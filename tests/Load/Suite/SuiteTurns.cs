using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Suite;

/// <summary>Runs by turns: every round starts every server afresh for every run.</summary>
/// <param name="command">What was typed, without its options.</param>
internal sealed class SuiteTurns(string command, Arguments arguments, int rounds, int warmUp, int seconds)
{
    /// <param name="all">This server first, and mosquitto second. Runs that stand for themselves are run with the first alone.</param>
    public async Task<SuiteReport> RunAsync(IReadOnlyList<SuiteRun> chosen, IReadOnlyList<IContender> all, CancellationToken cancellation)
    {
        var series = chosen.ToDictionary(run => run, run => all.Take(run.BesideMosquitto ? all.Count : 1).Select(contender => new Series(contender)).ToList());
        var steps = Steps(series).ToList();
        Progress progress = new(Console.Error, [.. steps.Select(step => step.Run.About(warmUp, seconds))]);
        foreach (var (round, run, one) in steps)
        {
            progress.Begin(string.Create(CultureInfo.InvariantCulture, $"round {round} of {rounds}: {run.Name}, {one.Contender.Name}"));
            one.Outcomes.Add(await RunAsync(run.Create(warmUp, seconds), one.Contender, cancellation));
        }

        var machine = Machine.Describe();
        return new SuiteReport(Typed(), TimeProvider.System.GetUtcNow(), machine, rounds, [.. chosen.Select(run => (run, ReportOf(run, machine, series[run])))]);
    }

    /// <summary>
    /// Every other round mosquitto is first: what the one leaves behind for the other (warm caches, a busy disk) meets both.
    /// </summary>
    private IEnumerable<(int Round, SuiteRun Run, Series Series)> Steps(Dictionary<SuiteRun, List<Series>> series) =>
        from round in Enumerable.Range(1, rounds)
        from run in series
        from one in round % 2 == 1 ? run.Value : Enumerable.Reverse(run.Value)
        select (round, run.Key, one);

    // One that fails is reported, and the minutes of the others are not lost.
    private static async Task<Outcome> RunAsync(IScenario scenario, IContender contender, CancellationToken cancellation)
    {
        try
        {
            return await Round.RunAsync(scenario, contender, cancellation);
        }
        catch (LoadException error)
        {
            return new Outcome([], [error.Message]);
        }
    }

    private Report ReportOf(SuiteRun run, Machine machine, List<Series> series)
    {
        var scenario = run.Create(warmUp, seconds);
        return new(run.Typed, scenario.Title, scenario.Promise, new Dictionary<string, string>(), arguments.All("setting"), machine, series);
    }

    private string Typed() => string.Concat(
        [$"tests/Load {command}", .. new[] { "rounds", "warmup", "seconds", "clients", "only" }.Where(name => arguments.Has(name)).Select(name => $" --{name} {arguments.Text(name)}")]);
}
