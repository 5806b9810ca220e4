using WebMessenger.Load.Hardships;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>A small memory, a full disk, an output that nobody reads, a clock that jumps: see <see cref="HardshipRun"/>.</summary>
internal sealed class HardshipsCommand : ICommand
{
    public string Name => "hardships";

    public string Summary => "people talk while the server has little memory, a full disk, an output that nobody reads, a clock that jumps; some two minutes";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("only", "", $"some of it, separated by commas: {string.Join(", ", HardshipList.All.Select(hardship => hardship.Name))}"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var names = arguments.TextOrNull("only")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names?.FirstOrDefault(name => HardshipList.All.All(hardship => hardship.Name != name)) is { } unknown)
        {
            throw new UsageException($"There is no hardship {unknown}.");
        }

        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        var failed = false;
        foreach (var hardship in HardshipList.All.Where(hardship => names is null || names.Contains(hardship.Name)))
        {
            if (hardship.Missing is { } missing)
            {
                await Console.Out.WriteLineAsync($"{Environment.NewLine}{hardship.Title}: left out, it needs {missing}.");
                continue;
            }

            Series series = new(contender) { Outcomes = { await RunAsync(hardship, contender, cancellation) } };
            Report report = new(hardship.Name, hardship.Title, "nothing acknowledged was lost or stored twice, everybody heard everything in order, and nobody was signed out.",
                new Dictionary<string, string>(), arguments.All("setting"), Machine.Describe(), [series]);
            Table.Write(Console.Out, report);
            failed |= report.Problems.Any();
            if (arguments.TextOrNull("out") is { } folder)
            {
                await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, $"hardship-{hardship.Name}", report, cancellation)}");
            }
        }

        return failed ? 1 : 0;
    }

    private static async Task<Outcome> RunAsync(Hardship hardship, WebMessengerServer contender, CancellationToken cancellation)
    {
        await using var server = await contender.MortalAsync(HardshipRun.Needs, cancellation, hardship.Prepare);
        try
        {
            return await new HardshipRun(hardship, server, seed: 1).RunAsync(cancellation);
        }
        catch (Exception error) when (error is LoadException or HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            // One that fails is reported, and the others are tried all the same.
            return new Outcome([], [error.Message]);
        }
        finally
        {
            await server.EndAsync();
            hardship.Undo(server.Folder);
        }
    }
}
