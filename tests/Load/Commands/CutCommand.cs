using System.Globalization;
using WebMessenger.Load.Cut;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>Everybody is cut at once and comes back: see <see cref="CutRun"/>.</summary>
internal sealed class CutCommand : ICommand
{
    private const int Publishers = 8;

    public string Name => "cut";

    public string Summary => "all members of busy rooms are cut at once and come back: how long until all are back without a gap, and where the time goes";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("members", "2000", "members, a connection each"),
        new("rooms", "20", "rooms that they are shared out to"),
        new("rate", "100", "messages a second that go on meanwhile, all rooms together"),
        new("how", "sockets", "sockets: the members' connections are reset, the server stays; server: it is killed and started again"),
        new("pause", "300", "what a member waits on average, in ms, when it found nobody there"),
        new("rounds", "3", "how often; medians are shown"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var how = arguments.Text("how");
        CutPlan plan = new(
            arguments.Number("members", 1, 20_000),
            arguments.Number("rooms", 1, 1_000),
            Publishers,
            arguments.Number("rate", 1, 10_000),
            how switch
            {
                "server" => true,
                "sockets" => false,
                _ => throw new UsageException("--how must be sockets or server."),
            },
            TimeSpan.FromMilliseconds(arguments.Number("pause", 1, 60_000)));
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        Series series = new(contender);
        for (var round = arguments.Number("rounds", 1, 100); round > 0; round--)
        {
            await using var server = await contender.MortalAsync(CutRun.Needs(plan), cancellation);
            series.Outcomes.Add(await new CutRun(plan, server).RunAsync(cancellation));
        }

        var title = string.Create(CultureInfo.InvariantCulture,
            $"{plan.Members} members of {plan.Rooms} rooms, {plan.PerSecond} messages/s, {(plan.KillsServer ? "the server killed and started again" : "all connections reset at once")}; times from the cut");
        var chosen = Options.Take(6).ToDictionary(option => option.Name, option => arguments.Text(option.Name));
        Report report = new(Name, title, "every member heard every event of its room once and in order.", chosen, arguments.All("setting"), Machine.Describe(), [series]);
        Table.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } folder)
        {
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, string.Create(CultureInfo.InvariantCulture, $"cut-{how}-{plan.Members}"), report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
