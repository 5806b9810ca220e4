using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;
using WebMessenger.Load.Suite;

namespace WebMessenger.Load.Commands;

/// <summary>All that the project promises about speed, beside mosquitto where that can do it: see <see cref="SuitePlan"/>.</summary>
internal sealed class SuiteCommand : ICommand
{
    public string Name => "suite";

    public string Summary => "everything that has a target, by turns with mosquitto where it can do it: one table, and a chart; a quarter of an hour";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("rounds", "3", "how often; each starts every server afresh, and medians are shown"),
        new("warmup", "5", "seconds of the same traffic before measuring"),
        new("seconds", "4", "seconds that are measured"),
        new("only", "", $"some of it, separated by commas: {string.Join(", ", SuitePlan.Runs.Select(run => run.Name))}; room is all whose names begin with room-"),
        new("out", "", "folder for suite.json, with all figures, and suite.svg, such as docs/benchmarks"),
        .. SharedOptions.Server,
        SharedOptions.Mosquitto,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        Swarm.RunInline();
        var (rounds, warmUp, seconds) = (arguments.Number("rounds", 1, 100), arguments.Number("warmup", 0, 600), arguments.Number("seconds", 1, 600));
        var chosen = SuitePlan.Named(arguments.TextOrNull("only"));
        await using WebMessengerServer ours = new(arguments.TextOrNull("server"), arguments.All("setting"));
        List<IContender> all = [ours];
        if (chosen.Any(run => run.BesideMosquitto))
        {
            all.Add(await MosquittoServer.FindAsync(arguments.TextOrNull("mosquitto")));
        }

        var series = chosen.ToDictionary(run => run, run => all.Take(run.BesideMosquitto ? 2 : 1).Select(contender => new Series(contender)).ToList());
        var steps = Steps(series, rounds).ToList();
        Progress progress = new(Console.Error, [.. steps.Select(step => step.Run.About(warmUp, seconds))]);
        foreach (var (round, run, one) in steps)
        {
            progress.Begin(string.Create(CultureInfo.InvariantCulture, $"round {round} of {rounds}: {run.Name}, {one.Contender.Name}"));
            one.Outcomes.Add(await RunAsync(run.Create(warmUp, seconds), one.Contender, cancellation));
        }

        var machine = Machine.Describe();
        SuiteReport report = new(Typed(arguments), TimeProvider.System.GetUtcNow(), machine, rounds, [.. chosen.Select(run => (run, ReportOf(run, run.Create(warmUp, seconds), arguments, machine, series[run])))]);
        SuiteTable.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } folder)
        {
            await Console.Out.WriteLineAsync($"Written: {string.Join(", ", await SuiteFiles.WriteAsync(folder, report, cancellation))}");
        }

        return report.Problems.Any() ? 1 : 0;
    }

    /// <summary>
    /// Every other round mosquitto is first: what the one leaves behind for the other (warm caches, a busy disk) meets both.
    /// </summary>
    private static IEnumerable<(int Round, SuiteRun Run, Series Series)> Steps(Dictionary<SuiteRun, List<Series>> series, int rounds) =>
        from round in Enumerable.Range(1, rounds)
        from run in series
        from one in round % 2 == 1 ? run.Value : Enumerable.Reverse(run.Value)
        select (round, run.Key, one);

    // One that fails is reported, and the quarter of an hour of the others is not lost.
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

    private static Report ReportOf(SuiteRun run, IScenario scenario, Arguments arguments, Machine machine, List<Series> series) =>
        new(run.Typed, scenario.Title, scenario.Promise, new Dictionary<string, string>(), arguments.All("setting"), machine, series);

    private static string Typed(Arguments arguments) =>
        string.Concat(["tests/Load suite", .. new[] { "rounds", "warmup", "seconds", "only" }.Where(name => arguments.TextOrNull(name) is not null).Select(name => $" --{name} {arguments.Text(name)}")]);
}
