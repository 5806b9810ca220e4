using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>
/// Runs a scenario for some rounds against this server, alone or by turns with mosquitto or an earlier build, and reports.
/// </summary>
internal sealed class MeasureCommand(ScenarioKind kind, bool isComparison) : ICommand
{
    public string Name => isComparison ? $"compare {kind.Name}" : kind.Name;

    public string Summary => isComparison ? $"`{kind.Name}` by turns against this server and mosquitto: medians and ratios" : kind.Summary;

    public IReadOnlyList<Option> Options { get; } =
    [
        .. kind.Options,
        new("rounds", isComparison ? "3" : "1", "how often; each round starts the server afresh, and medians are shown"),
        SharedOptions.Out,
        .. SharedOptions.Server,
        isComparison ? SharedOptions.Mosquitto : new("before", "", "an earlier build's WebMessenger.dll, which is measured by turns with this one"),
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        Swarm.RunInline();
        var scenario = kind.Create(arguments);
        var rounds = arguments.Number("rounds", 1, 100);
        List<Series> all = [];
        try
        {
            all.Add(new Series(new WebMessengerServer(arguments.TextOrNull("server"), arguments.All("setting"), keptLimits: scenario.KeptLimits)));
            if (isComparison)
            {
                all.Add(new Series(await MosquittoServer.FindAsync(arguments.TextOrNull("mosquitto"))));
            }
            else if (arguments.TextOrNull("before") is { } before)
            {
                all.Add(new Series(new WebMessengerServer(before, arguments.All("setting"), keptLimits: scenario.KeptLimits, name: "before")));
            }

            for (var round = 1; round <= rounds; round++)
            {
                foreach (var series in all)
                {
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Round {round} of {rounds}: {series.Contender.Name} {series.Contender.Version}"));
                    series.Outcomes.Add(await Round.RunAsync(scenario, series.Contender, cancellation));
                }
            }

            var chosen = kind.Options.ToDictionary(option => option.Name, option => arguments.Text(option.Name));
            Report report = new(kind.Name, scenario.Title, scenario.Promise, chosen, arguments.All("setting"), Machine.Describe(), all);
            Table.Write(Console.Out, report);
            if (arguments.TextOrNull("out") is { } folder)
            {
                await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, scenario.FileName, report, cancellation)}");
            }

            return report.Problems.Any() ? 1 : 0;
        }
        finally
        {
            foreach (var series in all)
            {
                await series.Contender.DisposeAsync();
            }
        }
    }
}
