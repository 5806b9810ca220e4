using WebMessenger.Load.Generator;
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

        var report = await new SuiteTurns(Name, arguments, rounds, warmUp, seconds).RunAsync(chosen, all, cancellation);
        SuiteTable.Write(Console.Out, report, SuitePlan.Goals);
        if (arguments.TextOrNull("out") is { } folder)
        {
            await Console.Out.WriteLineAsync($"Written: {string.Join(", ", await SuiteFiles.WriteAsync(folder, report, cancellation))}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
