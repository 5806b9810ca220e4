using System.Diagnostics;
using System.Globalization;

namespace WebMessenger.Load.Suite;

/// <summary>
/// Says before each step which one it is, and about how long all that is left will take:
/// by what was expected, corrected by how long the steps so far took.
/// </summary>
internal sealed class Progress(TextWriter to, IReadOnlyList<int> expectedSeconds)
{
    /// <summary>Seconds that went as expected, so to say: the first step alone, which makes the accounts, must not upset it all.</summary>
    private const double BelievedAtFirst = 60;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _done;

    public void Begin(string step)
    {
        var left = Left(expectedSeconds, _done, _clock.Elapsed);
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{++_done}/{expectedSeconds.Count}] {step}; about {(left.TotalSeconds < 90 ? $"{left.TotalSeconds:0} s" : $"{left.TotalMinutes:0} min")} left"));
    }

    /// <param name="done">How many of them were done in the time that has passed.</param>
    public static TimeSpan Left(IReadOnlyList<int> expectedSeconds, int done, TimeSpan passed)
    {
        double before = expectedSeconds.Take(done).Sum(), after = expectedSeconds.Skip(done).Sum();
        return TimeSpan.FromSeconds(after * (passed.TotalSeconds + BelievedAtFirst) / (before + BelievedAtFirst));
    }
}
