using System.Globalization;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>The crash suite: see <see cref="CrashRun"/>.</summary>
internal sealed class CrashCommand : ICommand
{
    private const string Promise =
        "nothing acknowledged was lost or stored twice, no number is missing, everything delivered is in the log like that, and every subscriber got all of it in order.";

    public string Name => "crash";

    public string Summary => "kills the server over and over while publishers and subscribers go on, and checks that every promise was kept";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("kills", "1000", "how often the server is killed with SIGKILL; now and then SIGTERM comes in between"),
        new("seed", "", "of the chances taken, to take the same ones again; a new one if not given"),
        new("rooms", "2", "rooms that everybody speaks in and hears"),
        new("rate", "400", "messages a second, all 8 publishers together, while the server lives"),
        new("life", "2000", "the longest that the server lives after it was ready, in ms; most lives are much shorter"),
        new("minutes", "120", "after so many minutes there are no more kills, and what there is is checked"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var seed = arguments.TextOrNull("seed") is null ? Random.Shared.Next() : arguments.Number("seed", 0, int.MaxValue);
        CrashPlan plan = new(
            arguments.Number("kills", 1, 100_000),
            seed,
            arguments.Number("rooms", 1, 100),
            arguments.Number("rate", 1, 10_000),
            TimeSpan.FromMilliseconds(arguments.Number("life", 1, 60_000)),
            TimeSpan.FromMinutes(arguments.Number("minutes", 1, 10_000)),
            CrashPlan.EightPublishers,
            CrashPlan.EightListeners);
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Seed {seed}"));
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        Outcome outcome;
        await using (var server = await contender.MortalAsync(CrashRun.Needs(plan), cancellation))
        {
            outcome = await new CrashRun(plan, server, line => Console.Error.WriteLine(line)).RunAsync(cancellation);
        }

        var chosen = Options.Take(6).ToDictionary(option => option.Name, option => arguments.Text(option.Name));
        chosen["seed"] = seed.ToString(CultureInfo.InvariantCulture);
        Series series = new(contender) { Outcomes = { outcome } };
        Report report = new(Name, string.Create(CultureInfo.InvariantCulture, $"{plan.Kills} kills, seed {seed}"), Promise, chosen, arguments.All("setting"), Machine.Describe(), [series]);
        Table.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } folder)
        {
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, string.Create(CultureInfo.InvariantCulture, $"crash-{plan.Kills}"), report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
