using WebMessenger.Load.Scenarios;

namespace WebMessenger.Load.Commands;

/// <summary>Everything that the program can do.</summary>
internal static class CommandList
{
    public static IReadOnlyList<ScenarioKind> Scenarios { get; } =
    [
        TrafficScenario.Room,
        TrafficScenario.Senders,
        LoneScenario.Kind,
        IdleScenario.Kind,
        ChatScenario.Kind,
        MissedScenario.Kind,
        SilentScenario.Kind,
        TogglingScenario.Kind,
        KickScenario.Kind,
        RemovalScenario.Kind,
        HostileScenario.Kind,
        UnreadScenario.Kind,
        CrowdScenario.Kind,
        EntriesScenario.Kind,
        ChangesScenario.Kind,
        DataTrafficScenario.Kind,
        DataReplayScenario.Kind,
    ];

    public static IReadOnlyList<ICommand> All { get; } =
    [
        .. Scenarios.Select(kind => new MeasureCommand(kind, isComparison: false)),
        .. Scenarios.Where(kind => kind.IsComparable).Select(kind => new MeasureCommand(kind, isComparison: true)),
        new SuiteCommand(),
        new PairedCommand(),
        new DataCommand(),
        new CrashCommand(),
        new CutCommand(),
        new ClusterLogoutCommand(),
        new ClusterKillCommand(),
        new ClusterFreezeCommand(),
        new ClusterRateCommand(),
        new ClusterRoomCommand(),
        new HardshipsCommand(),
        new StartCommand(),
        new BigDataCommand(),
        new SearchCommand(),
        new RetentionCommand(),
        new ExportCommand(),
        new FuzzCommand(),
        new StrangersCommand(),
        new AttackCommand(),
        new PageCommand(),
        new BusyPageCommand(),
        new DevicesPageCommand(),
    ];

    /// <summary>The command that was typed, and what stands behind its name.</summary>
    public static (ICommand Command, IReadOnlyList<string> Behind) Find(IReadOnlyList<string> typed)
    {
        foreach (var command in All)
        {
            var words = command.Name.Split(' ');
            if (typed.Count >= words.Length && typed.Take(words.Length).SequenceEqual(words))
            {
                return (command, [.. typed.Skip(words.Length)]);
            }
        }

        throw new UsageException(typed is ["compare", ..] ? "Compare what? For instance: compare room" : $"There is no command {typed[0]}.");
    }
}
