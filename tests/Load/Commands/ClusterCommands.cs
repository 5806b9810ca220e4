using System.Globalization;
using WebMessenger.Load.Cluster;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Hardships;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Load.Commands;

/// <summary>What is promised of several nodes, proved or measured with real ones on a PostgreSQL of the command's own.</summary>
internal abstract class ClusterCommand : ICommand
{
    public abstract string Name { get; }

    public abstract string Summary { get; }

    public abstract IReadOnlyList<Option> Options { get; }

    protected abstract string Promise { get; }

    public virtual async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        List<Series> all = [];
        try
        {
            await MeasureAsync(arguments, all, cancellation);
            var chosen = Options.Where(option => option.Name is not ("out" or "setting" or "logs")).ToDictionary(option => option.Name, option => arguments.Text(option.Name));
            Report report = new(Name, Summary, Promise, chosen, arguments.All("setting"), Machine.Describe(), all);
            Table.Write(Console.Out, report);
            if (arguments.TextOrNull("out") is { } folder)
            {
                await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, Name.Replace(' ', '-'), report, cancellation)}");
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

    protected abstract Task MeasureAsync(Arguments arguments, List<Series> all, CancellationToken cancellation);

    /// <summary>What took longer than promised is a problem as well.</summary>
    protected static Outcome Within(Outcome outcome, params (string Figure, double AtMost)[] promised) => outcome with
    {
        Problems =
        [
            .. outcome.Problems,
            .. promised.Select(one => (one.AtMost, Was: outcome.Figures.First(figure => figure.Name == one.Figure))).Where(one => one.Was.Value > one.AtMost)
                .Select(one => $"{one.Was.Name} was {Figure.Show(one.Was.Value)} {one.Was.Unit}, and not {Figure.Show(one.AtMost)}"),
        ],
    };

    protected static Option Nodes { get; } = new("nodes", "3", "nodes of the house");

    protected static IReadOnlyList<Option> Shared { get; } = [SharedOptions.Out, SharedOptions.Server[1], new("logs", "", "folder for what each node says")];

    /// <summary>How the node of this number is started.</summary>
    protected static ChildSetting Node(Arguments arguments, int node) => arguments.TextOrNull("logs") is { } folder
        ? ChildSetting.Plain with { Log = Path.Combine(Directory.CreateDirectory(folder).FullName, string.Create(CultureInfo.InvariantCulture, $"node-{node}.txt")) }
        : ChildSetting.Plain;

    protected static void Progress(string line) => Console.Error.WriteLine(line);

    protected static Series Of(int nodes) => new(new WebMessengerServer(null, [], name: nodes == 1 ? "one node" : string.Create(CultureInfo.InvariantCulture, $"{nodes} nodes")));
}

/// <inheritdoc cref="LogoutRun"/>
internal sealed class ClusterLogoutCommand : ClusterCommand
{
    public override string Name => "cluster logout";

    public override string Summary => "people with a page at each node sign out at one: how long until the answer, and that nobody hears what was said after it";

    public override IReadOnlyList<Option> Options { get; } = [new("rounds", "1000", "logouts"), Nodes, .. Shared];

    protected override string Promise => "no page heard anything that was said after the answer to its logout, and each was closed.";

    protected override async Task MeasureAsync(Arguments arguments, List<Series> all, CancellationToken cancellation)
    {
        var nodes = arguments.Number("nodes", 1, 20);
        all.Add(Of(nodes));
        await using var house = await LoadHouse.StartAsync(
            nodes, LogoutRun.Accounts(nodes), 1, null, arguments.All("setting"), node => Node(arguments, node), cancellation);
        var outcome = await new LogoutRun(house, arguments.Number("rounds", 1, 100_000), Progress).RunAsync(cancellation);
        all[0].Outcomes.Add(Within(outcome, ("p99", 100), ("longest", 4_500)));
    }
}

/// <inheritdoc cref="FreezeRun"/>
internal sealed class ClusterFreezeCommand : ClusterCommand
{
    public override string Name => "cluster freeze";

    public override string Summary => "people sign out while a node where they have a page is frozen, cut from the database or from the other nodes, and the nodes' clocks are 10 s apart";

    public override IReadOnlyList<Option> Options { get; } =
    [
        new("rounds", "1000", "logouts, 50 in each trouble"), new("seconds", "15", "how long a trouble lasts"),
        new("clocks", "10", "seconds between the clocks of the nodes; 0: all are right"), Nodes, .. Shared,
    ];

    protected override string Promise => "no page heard anything that was said after the answer to its logout, and each was closed.";

    protected override async Task MeasureAsync(Arguments arguments, List<Series> all, CancellationToken cancellation)
    {
        var (nodes, apart) = (arguments.Number("nodes", 2, 20), arguments.Number("clocks", 0, 3_600));
        all.Add(Of(nodes));
        if (PrivateNetwork.IsInside)
        {
            PrivateNetwork.Open(nodes);
        }

        await using var house = await LoadHouse.StartAsync(
            nodes, FreezeRun.Accounts(nodes), 1, null, arguments.All("setting"), node => Of(Clock(Node(arguments, node), node * apart), node), cancellation);
        var outcome = await new FreezeRun(house, arguments.Number("rounds", 1, 100_000), arguments.Seconds("seconds"), Progress).RunAsync(cancellation);
        all[0].Outcomes.Add(Within(outcome, ("longest", 4_500)));
    }

    /// <summary>In a network of its own, where there can be one: nodes are cut from each other there.</summary>
    public override Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        if (!PrivateNetwork.IsInside)
        {
            if (PrivateNetwork.IsPossible)
            {
                return PrivateNetwork.RunInsideAsync(cancellation);
            }

            Progress("No node is cut from the others: that needs root, unshare and setpriv (util-linux), ip (iproute2) and nft (nftables).");
        }

        return base.RunAsync(arguments, cancellation);
    }

    private static ChildSetting Of(ChildSetting setting, int node) => PrivateNetwork.IsInside ? PrivateNetwork.Of(setting, node) : setting;

    private static ChildSetting Clock(ChildSetting node, int ahead) => ahead == 0 ? node
        : HardshipList.FakeClock is { } library
            ? node.With("LD_PRELOAD", library)
                .With("FAKETIME", string.Create(CultureInfo.InvariantCulture, $"+{ahead}s")).With("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                // Its mend of waits by the monotonic clock is for another C library: under this one every wait would be over at once.
                .With("FAKETIME_FORCE_MONOTONIC_FIX", "0")
            : throw new LoadException("It needs libfaketime (Debian: apt install libfaketime), or --clocks 0.");
}

/// <inheritdoc cref="KillRun"/>
internal sealed class ClusterKillCommand : ClusterCommand
{
    public override string Name => "cluster kill";

    public override string Summary => "kills nodes and PostgreSQL over and over while publishers and subscribers go on, and checks that every promise was kept";

    public override IReadOnlyList<Option> Options { get; } =
    [
        new("kills", "300", "how often a node is killed"), new("databases", "100", "how often PostgreSQL is ended, by SIGKILL and `immediate`"),
        new("seed", "", "of the chances taken; a new one if not given"), new("rooms", "2", "rooms that everybody speaks in and hears"),
        new("rate", "400", "messages a second, all 8 publishers together"), Nodes, .. Shared,
    ];

    protected override string Promise => "nothing acknowledged was lost or stored twice, no number is missing, and every subscriber got all of it in order.";

    protected override async Task MeasureAsync(Arguments arguments, List<Series> all, CancellationToken cancellation)
    {
        var nodes = arguments.Number("nodes", 2, 20);
        var seed = arguments.TextOrNull("seed") is null ? Random.Shared.Next() : arguments.Number("seed", 0, int.MaxValue);
        Progress(string.Create(CultureInfo.InvariantCulture, $"Seed {seed}"));
        KillPlan plan = new(
            arguments.Number("kills", 0, 100_000), arguments.Number("databases", 0, 100_000), seed, arguments.Number("rooms", 1, 100), arguments.Number("rate", 1, 10_000));
        all.Add(Of(nodes));
        await using var house = await LoadHouse.StartAsync(
            nodes, KillRun.Accounts, KillRun.Rooms(plan), null, arguments.All("setting"), node => Node(arguments, node), cancellation);
        all[0].Outcomes.Add(Within(
            await new KillRun(plan, house, Progress).RunAsync(cancellation),
            ("talking elsewhere, p99", 3_000), ("leave said, longest", LonePerson.LeaveMilliseconds)));
    }
}

/// <inheritdoc cref="RateRun"/>
internal sealed class ClusterRateCommand : ClusterCommand
{
    private const double OneNodeGoal = 5_000;
    private const double CpuGoal = 60;

    public override string Name => "cluster rate";

    public override string Summary => "durable messages a second of several nodes and of one, by turns, and what each costs PostgreSQL; the ratio is that of the first to the second";

    public override IReadOnlyList<Option> Options { get; } =
    [
        new("outstanding", "256", "unacknowledged messages, all clients together"), new("rooms", "4", "rooms that they go to"), new("seconds", "10", "seconds that are measured"),
        new("rounds", "3", "how often; medians are shown"), Nodes, .. Shared,
    ];

    protected override string Promise => "all was acknowledged; one node takes 5,000 a second, at 60 µs of PostgreSQL's CPU each.";

    protected override async Task MeasureAsync(Arguments arguments, List<Series> all, CancellationToken cancellation)
    {
        int[] sizes = [arguments.Number("nodes", 1, 20), 1];
        all.AddRange(sizes.Select(Of));
        await using var database = await PostgresServer.StartAsync(isDurable: true);
        var rooms = arguments.Number("rooms", 1, 1_000);
        for (var round = arguments.Number("rounds", 1, 100); round > 0; round--)
        {
            for (var i = 0; i < sizes.Length; i++)
            {
                await using var house = await LoadHouse.StartAsync(
                    sizes[i], RateRun.Accounts, rooms, database, arguments.All("setting"), node => Node(arguments, node), cancellation);
                all[i].Outcomes.Add(await new RateRun(arguments.Number("outstanding", 16, 10_000), rooms, arguments.Seconds("seconds")).RunAsync(house, cancellation));
            }
        }

        var one = all[1];
        if (one.Median("messages a second") < OneNodeGoal || one.Median("CPU of PostgreSQL each") > CpuGoal)
        {
            one.Outcomes[^1] = one.Outcomes[^1] with { Problems = [.. one.Outcomes[^1].Problems, "less than 5,000 a second, or more than 60 µs each"] };
        }
    }
}

/// <summary>A room's fan-out by one node and by the embedded server, by turns.</summary>
internal sealed class ClusterRoomCommand : ClusterCommand
{
    public override string Name => "cluster room";

    public override string Summary => "`room` by turns against one node on PostgreSQL and the embedded server";

    public override IReadOnlyList<Option> Options { get; } = [.. TrafficScenario.Room.Options, new("rounds", "3", "how often; medians are shown"), .. Shared];

    protected override string Promise => "every acknowledged message reached every member exactly once, in one order.";

    protected override async Task MeasureAsync(Arguments arguments, List<Series> all, CancellationToken cancellation)
    {
        Swarm.RunInline();
        var scenario = TrafficScenario.Room.Create(arguments);
        await using var database = await PostgresServer.StartAsync(isDurable: true);
        all.Add(new(new NodeContender(database, arguments.All("setting"))));
        all.Add(new(new WebMessengerServer(null, arguments.All("setting"), name: "embedded")));
        for (var round = arguments.Number("rounds", 1, 100); round > 0; round--)
        {
            foreach (var series in all)
            {
                series.Outcomes.Add(await Round.RunAsync(scenario, series.Contender, cancellation));
            }
        }
    }
}
