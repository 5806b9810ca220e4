using System.Globalization;
using WebMessenger.Load.Measuring;

namespace WebMessenger.Load.Suite;

/// <summary>The suite for people: first what has to be reached, then what else was measured, so that one sees what was the limit.</summary>
internal static class SuiteTable
{
    private static readonly int[] RowWidths = [-39, -24, 15, 27, 9, 12, 9];
    private static readonly int[] TrafficWidths = [-39, -14, 14, 14, 10, 10, 9, 12, 8];

    private static readonly string[] Traffic = ["deliveries", "publishes acknowledged", "end to end, p50", "end to end, p99", "server CPU", "generator CPU", "everything else's CPU"];

    public static void Write(TextWriter to, SuiteReport report, IReadOnlyList<Goal> goals)
    {
        to.WriteLine();
        to.WriteLine($"{report.Machine.Processor}, {report.Machine.Cores} cores, {report.Machine.OperatingSystem}, {report.Machine.Runtime}");
        to.WriteLine(string.Join(", ", report.Contenders.Select(contender => $"{contender.Name} {contender.Version}")));
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.At:yyyy-MM-dd}, {report.Command}: {(report.Rounds == 1 ? "one round" : $"medians of {report.Rounds} rounds by turns")}"));
        to.WriteLine();
        WriteLine(to, RowWidths, ["scenario", "figure", "ours", "mosquitto's", "compared", "target", "reached"]);
        foreach (var row in report.Rows(goals))
        {
            WriteLine(to, RowWidths, [row.Goal.Scenario, row.Goal.Figure, With(row.Ours, row.Goal.Unit), Beside(row), Compared(row), Target(row.Goal), row.IsReached is { } reached ? reached ? "yes" : "NO" : "–"]);
        }

        to.WriteLine();
        WriteLine(to, TrafficWidths, ["traffic", "", "deliveries/s", "publishes/s", "p50 (ms)", "p99 (ms)", "CPU (%)", "generator's", "others'"]);
        foreach (var (run, traffic) in report.Runs)
        {
            foreach (var series in traffic.Series.Where(series => series.Values("publishes acknowledged").Length > 0))
            {
                WriteLine(to, TrafficWidths, [run.Title, series.Contender.Name, .. Traffic.Select(figure => Figure.Show(series.Median(figure)))]);
            }
        }

        if (report.OtherWork is { } cores)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Other work on this machine took up to {cores:0.0} cores: the figures say little then."));
        }

        to.WriteLine();
        var problems = report.Problems.ToList();
        to.WriteLine(problems.Count == 0
            ? "Verified: every acknowledged message reached every member exactly once, in one order."
            : "NOT as promised:" + string.Concat(problems.Select(problem => $"{Environment.NewLine}  {problem}")));
    }

    public static string Compared(SuiteReport.Row row) => row.Goal.Comparison switch
    {
        Comparison.Ratio => $"{Figure.Show(row.Compared)} ×",
        Comparison.Difference => $"{(row.Compared > 0 ? "+" : "")}{Figure.Show(row.Compared)}",
        _ => "",
    };

    public static string Target(Goal goal) => double.IsNaN(goal.Limit) ? "–" : string.Create(CultureInfo.InvariantCulture,
        $"{(goal.IsAtLeast ? "≥" : "≤")} {(goal.Comparison == Comparison.Difference ? "+" : "")}{goal.Limit:#,0.##}{(goal.Comparison == Comparison.Ratio ? " ×" : $" {goal.Unit}")}");

    private static string Beside(SuiteReport.Row row) => row.Goal.Beside is not { } beside ? "–"
        : beside.Label.Length == 0 ? With(row.Beside, row.Goal.Unit) : $"({beside.Label}: {With(row.Beside, row.Goal.Unit)})";

    private static string With(double value, string unit) => $"{Figure.Show(value)} {unit}";

    private static void WriteLine(TextWriter to, int[] widths, IEnumerable<string> cells) =>
        to.WriteLine(string.Join(' ', cells.Zip(widths, (cell, width) => width < 0 ? cell.PadRight(-width) : cell.PadLeft(width))).TrimEnd());
}
