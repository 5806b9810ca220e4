using WebMessenger.Load.Commands;
using WebMessenger.Load.Scenarios;

namespace WebMessenger.Load.Suite;

/// <summary>A scenario with its numbers, as it could be typed.</summary>
/// <param name="Title">A few words for people.</param>
/// <param name="Typed">The command without `compare`, and its options.</param>
/// <param name="BesideMosquitto">Mosquitto runs it by turns with this server.</param>
/// <param name="Overhead">About how many seconds go by beside the traffic, for one of the two.</param>
/// <param name="WarmUps">How many times the warm-up: what is seldom done is compiled late.</param>
internal sealed record SuiteRun(string Name, string Title, string Typed, bool BesideMosquitto, int Overhead, int WarmUps = 1)
{
    /// <summary>`room` means `room-100` and all others that begin so.</summary>
    public bool IsMeantBy(string typed) => Name == typed || Name.StartsWith(typed + "-", StringComparison.Ordinal);

    /// <param name="only">Names, separated by commas; null: all.</param>
    /// <exception cref="UsageException">One that there is not.</exception>
    public static IReadOnlyList<SuiteRun> Named(IReadOnlyList<SuiteRun> runs, string? only)
    {
        if (only is null)
        {
            return runs;
        }

        var names = only.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return names.FirstOrDefault(name => !runs.Any(run => run.IsMeantBy(name))) is { } unknown
            ? throw new UsageException($"There is no run called {unknown}.")
            : [.. runs.Where(run => names.Any(run.IsMeantBy))];
    }

    /// <param name="warmUp">In seconds; as for <paramref name="seconds"/>, for those that take it.</param>
    public IScenario Create(int warmUp, int seconds)
    {
        var words = Typed.Split(' ');
        var kind = CommandList.Scenarios.First(kind => kind.Name == words[0]);
        FormattableString timed = $"--warmup={WarmUps * warmUp} --seconds={seconds}";
        return kind.Create(new Arguments(kind.Options, [.. words[1..], .. IsTimed(kind) ? FormattableString.Invariant(timed).Split(' ') : []]));
    }

    /// <summary>About how many seconds it takes once, against one server.</summary>
    public int About(int warmUp, int seconds) =>
        Overhead + (IsTimed(CommandList.Scenarios.First(kind => kind.Name == Typed.Split(' ')[0])) ? (WarmUps * warmUp) + seconds : 0);

    private static bool IsTimed(ScenarioKind kind) => kind.Options.Any(option => option.Name == "seconds");
}
