using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;

namespace WebMessenger.Load.Suite;

/// <summary>All runs of the suite, and what they come to.</summary>
/// <param name="Command">As it can be typed again.</param>
/// <param name="Runs">In order, each with the report of its rounds.</param>
internal sealed record SuiteReport(string Command, DateTimeOffset At, Machine Machine, int Rounds, IReadOnlyList<(SuiteRun Run, Report Report)> Runs)
{
    private const double OtherWorkIgnored = 0.25;

    /// <summary>Of the goals whose runs were run.</summary>
    public IReadOnlyList<Row> Rows(IEnumerable<Goal> goals) =>
    [
        .. goals.Where(goal => WasRun(goal.Ours) && (goal.Beside is null || WasRun(goal.Beside))).Select(goal =>
        {
            var ours = Median(goal.Ours);
            var beside = goal.Beside is null ? double.NaN : Median(goal.Beside);
            var compared = goal.Compare(ours, beside);
            return new Row(goal, ours, beside, compared, goal.IsReached(compared));
        }),
    ];

    public IEnumerable<string> Problems => Runs.SelectMany(run => run.Report.Problems.Select(problem => $"{run.Run.Name}: {problem}"));

    /// <summary>Name and version, this server first.</summary>
    public IReadOnlyList<(string Name, string Version)> Contenders =>
        [.. Runs.SelectMany(run => run.Report.Series).Select(series => (series.Contender.Name, series.Contender.Version)).Distinct()];

    /// <summary>In cores, the most that anything beside server and generator took in a run; null when that was little.</summary>
    public double? OtherWork =>
        Runs.SelectMany(run => run.Report.Series).Select(series => series.Median("everything else's CPU") / 100).Where(cores => cores > OtherWorkIgnored).Select(cores => (double?)cores).Max();

    private bool WasRun(Source source) => SeriesOf(source) is not null;

    private double Median(Source source) => SeriesOf(source)!.Median(source.Figure);

    private Series? SeriesOf(Source source) =>
        Runs.FirstOrDefault(run => run.Run.Name == source.Run).Report?.Series.ElementAtOrDefault(source.IsMosquittos ? 1 : 0);

    /// <summary>A goal and what was measured.</summary>
    /// <param name="Compared">The ratio, the difference, or our figure itself: what the limit is about.</param>
    /// <param name="IsReached">Null: there is no limit.</param>
    internal sealed record Row(Goal Goal, double Ours, double Beside, double Compared, bool? IsReached);
}
