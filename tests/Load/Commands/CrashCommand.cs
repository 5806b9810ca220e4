using System.Diagnostics;
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
        new("minutes", "120", "after so many minutes there are no more kills, and what there is is checked; with --resume, no new part is begun"),
        new("resume", "", "a file that keeps what is done, written after each kill: the same command goes on from it until all kills are done"),
        new("part", "50", "with --resume: kills between two checks, each on fresh data"),
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
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        Outcome outcome;
        if (arguments.TextOrNull("resume") is { } file)
        {
            var parts = CrashParts.Read(file) ?? new CrashParts(seed, plan.Kills, arguments.Number("part", 1, 10_000), [], null);
            parts = await RunPartsAsync(plan with { Kills = parts.Wanted, Seed = parts.Seed }, parts, contender, file, cancellation);
            if (parts.Left > 0)
            {
                await Console.Out.WriteLineAsync($"{parts.Done} of {parts.Wanted} kills are done and checked; the same command goes on with {file}.");
                return parts.Parts.Any(part => part.Problems.Count > 0) ? 1 : 0;
            }

            (plan, seed, outcome) = (plan with { Kills = parts.Wanted }, parts.Seed, parts.Sum());
        }
        else
        {
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Seed {seed}"));
            outcome = await RunOneAsync(plan, contender, null, cancellation);
        }

        var chosen = Options.Take(8).Where(option => option.Name != "resume").ToDictionary(option => option.Name, option => arguments.Text(option.Name));
        (chosen["kills"], chosen["seed"]) = (plan.Kills.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture));
        Series series = new(contender) { Outcomes = { outcome } };
        Report report = new(Name, string.Create(CultureInfo.InvariantCulture, $"{plan.Kills} kills, seed {seed}"), Promise, chosen, arguments.All("setting"), Machine.Describe(), [series]);
        Table.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } folder)
        {
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, string.Create(CultureInfo.InvariantCulture, $"crash-{plan.Kills}"), report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }

    private static async Task<Outcome> RunOneAsync(CrashPlan plan, WebMessengerServer contender, Action<int, int>? killed, CancellationToken cancellation)
    {
        await using var server = await contender.MortalAsync(CrashRun.Needs(plan), cancellation);
        return await new CrashRun(plan, server, line => Console.Error.WriteLine(line), killed).RunAsync(cancellation);
    }

    private static async Task<CrashParts> RunPartsAsync(CrashPlan plan, CrashParts parts, WebMessengerServer contender, string file, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (parts.Left > 0 && Stopwatch.GetElapsedTime(start) < plan.Limit)
        {
            var (seed, kills) = (parts.NextSeed, parts.NextKills);
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Part {parts.Parts.Count + 1}, {kills} kills, seed {seed}; {parts.Done} of {parts.Wanted} done"));

            // A part that has begun is checked, however long it takes: its limit is no reason to be called unfinished.
            var outcome = await RunOneAsync(
                plan with { Kills = kills, Seed = seed, Limit = TimeSpan.FromHours(2) },
                contender,
                (killed, acknowledged) => (parts with { UnderWay = new CrashPartUnderWay(seed, killed, acknowledged) }).Write(file),
                cancellation);
            parts = parts.With(new CrashPart(seed, kills, outcome.Figures, outcome.Problems));
            parts.Write(file);
        }

        return parts;
    }
}
