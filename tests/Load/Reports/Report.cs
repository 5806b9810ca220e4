using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Reports;

/// <summary>All rounds of one contender.</summary>
internal sealed record Series(IContender Contender)
{
    public List<Outcome> Outcomes { get; } = [];

    /// <summary>Of the figure of this name, round by round.</summary>
    public double[] Values(string figure) => [.. Outcomes.SelectMany(outcome => outcome.Figures).Where(one => one.Name == figure).Select(one => one.Value)];

    /// <summary>NaN when it was not measured.</summary>
    public double Median(string figure) => Figure.Median(Values(figure));
}

/// <summary>A scenario's rounds, side by side.</summary>
/// <param name="Promise">What was verified, when there are no problems.</param>
/// <param name="Settings">What this server was told beside its usual settings.</param>
internal sealed record Report(
    string Scenario, string Title, string Promise, IReadOnlyDictionary<string, string> Options, IReadOnlyList<string> Settings, Machine Machine, IReadOnlyList<Series> Series)
{
    /// <summary>Name and unit of every figure, in order.</summary>
    public IReadOnlyList<(string Name, string Unit)> Figures =>
        [.. Series.SelectMany(series => series.Outcomes).SelectMany(outcome => outcome.Figures).Select(figure => (figure.Name, figure.Unit)).Distinct()];

    public IEnumerable<string> Problems => Series.SelectMany(series => series.Outcomes.SelectMany(outcome => outcome.Problems.Select(problem => $"{series.Contender.Name}: {problem}")));

    /// <summary>Of the first contender to the second; null without a second.</summary>
    public double? Ratio(string figure) => Series.Count < 2 ? null : Series[0].Median(figure) / Series[1].Median(figure);
}
