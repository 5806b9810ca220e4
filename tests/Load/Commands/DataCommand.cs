using WebMessenger.Load.Generator;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;
using WebMessenger.Load.Suite;

namespace WebMessenger.Load.Commands;

/// <summary>All that the project promises about the speed of devices, by turns with mosquitto: see <see cref="DataPlan"/>.</summary>
internal sealed class DataCommand : ICommand
{
    private const int ManyClients = 10_000;
    private const int FewClients = 2_000;
    private const int CoresForMany = 4;

    public string Name => "data";

    public string Summary => "devices of a room by turns with mosquitto, its persistence off and on: one table; under ten minutes";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("rounds", "1", "how often; each starts every server afresh, and medians are shown"),
        new("warmup", "4", "seconds of the same traffic before measuring"),
        new("seconds", "3", "seconds that are measured"),
        new("clients", Environment.ProcessorCount >= CoresForMany ? $"{ManyClients}" : $"{FewClients}", $"clients that subscribe by wildcards; fewer by default on fewer than {CoresForMany} cores"),
        new("only", "", $"some of it, separated by commas: {string.Join(", ", new DataPlan(FewClients).Runs.Select(run => run.Name))}; fan-out is all whose names begin with fan-out-"),
        new("out", "", "folder for data.json, with all figures, such as docs/benchmarks"),
        .. SharedOptions.Server,
        SharedOptions.Mosquitto,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        Swarm.RunInline();
        var clients = arguments.Number("clients", DataPlan.ClientsOfATopic, 60_000);
        if (clients % DataPlan.ClientsOfATopic != 0)
        {
            throw new UsageException($"--clients must be a multiple of {DataPlan.ClientsOfATopic}.");
        }

        DataPlan plan = new(clients);
        var chosen = SuiteRun.Named(plan.Runs, arguments.TextOrNull("only"));
        await using WebMessengerServer ours = new(arguments.TextOrNull("server"), arguments.All("setting"));
        await using var mosquitto = await MosquittoServer.FindAsync(arguments.TextOrNull("mosquitto"));
        await using var keeping = mosquitto.Keeping;
        SuiteTurns turns = new(Name, arguments, arguments.Number("rounds", 1, 100), arguments.Number("warmup", 0, 600), arguments.Number("seconds", 1, 600));
        var report = await turns.RunAsync(chosen, [ours, mosquitto, keeping], cancellation);
        SuiteTable.Write(Console.Out, report, plan.Goals);
        if (arguments.TextOrNull("out") is { } folder)
        {
            await Console.Out.WriteLineAsync($"Written: {await SuiteFiles.WriteAsync(folder, Name, report, plan.Goals, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
