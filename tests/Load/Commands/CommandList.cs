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
    ];

    /// <summary>What mosquitto does not do, so that there is nothing to compare.</summary>
    public static IReadOnlyList<ScenarioKind> OwnScenarios { get; } =
    [
        MissedScenario.Kind,
        SilentScenario.Kind,
    ];

    public static IReadOnlyList<ICommand> All { get; } =
    [
        .. Scenarios.Concat(OwnScenarios).Select(kind => new MeasureCommand(kind, isComparison: false)),
        .. Scenarios.Select(kind => new MeasureCommand(kind, isComparison: true)),
        new CrashCommand(),
        new CutCommand(),
        new StartCommand(),
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
