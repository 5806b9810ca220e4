using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;

namespace WebMessenger.Load.Suite;

/// <summary>A run of the suite by two builds in turns: what a change has made of each figure.</summary>
/// <param name="Now">The build beside this program.</param>
/// <param name="Before">The earlier one; round for round beside <paramref name="Now"/>.</param>
internal sealed record Pair(SuiteRun Run, Series Now, Series Before)
{
    // What one change may cost: the noise of nine paired rounds, and no more. A p99 hangs on the few worst of a round.
    private static readonly (Func<string, bool> IsMeant, double Limit)[] Limits =
    [
        (figure => figure.StartsWith("server CPU per ", StringComparison.Ordinal), 1.07),
        (figure => figure == "memory per connection", 1.05),
        (figure => figure.Contains(", p50", StringComparison.Ordinal), 1.15),
        (figure => figure.Contains(", p99", StringComparison.Ordinal), 1.3),
    ];

    /// <summary>Of the figures that a change may not make dearer, in order.</summary>
    public IReadOnlyList<Row> Rows =>
    [
        .. Now.Outcomes.SelectMany(outcome => outcome.Figures).DistinctBy(figure => figure.Name).Where(figure => LimitOf(figure.Name) is not null)
            .Select(figure => new Row(figure.Name, figure.Unit, Now.Median(figure.Name), Before.Median(figure.Name), Ratio(figure.Name), LimitOf(figure.Name)!.Value)),
    ];

    public bool IsKept => Rows.All(row => row.IsKept);

    public IEnumerable<string> Problems =>
        new[] { Now, Before }.SelectMany(series => series.Outcomes.SelectMany(outcome => outcome.Problems.Select(problem => $"{Run.Name}, {series.Contender.Name}: {problem}")));

    /// <summary>The median of the rounds' own ratios: what disturbed both builds of a round is in neither.</summary>
    private double Ratio(string figure) => Figure.Median(Now.Outcomes.Zip(Before.Outcomes, (now, before) => Of(now, figure) / Of(before, figure)).Where(double.IsFinite));

    // NaN of a round that failed: it has no figures, and the rounds behind it keep their partners.
    private static double Of(Outcome outcome, string figure) => outcome.Figures.FirstOrDefault(one => one.Name == figure)?.Value ?? double.NaN;

    // How long a bare sync of the disk takes is a figure of the disk.
    private static double? LimitOf(string figure) =>
        figure.StartsWith("write + fdatasync", StringComparison.Ordinal) ? null : Limits.Where(limit => limit.IsMeant(figure)).Select(limit => (double?)limit.Limit).FirstOrDefault();

    /// <param name="Ratio">Now to before.</param>
    internal sealed record Row(string Figure, string Unit, double Now, double Before, double Ratio, double Limit)
    {
        /// <summary>What was not measured is not kept.</summary>
        public bool IsKept => Ratio <= Limit;
    }
}
