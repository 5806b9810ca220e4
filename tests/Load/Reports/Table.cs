using System.Globalization;
using WebMessenger.Load.Measuring;

namespace WebMessenger.Load.Reports;

/// <summary>A report for people: a line for each figure, a column for each contender, and what went wrong.</summary>
internal static class Table
{
    private const int NameWidth = 42;
    private const int ColumnWidth = 30;

    public static void Write(TextWriter to, Report report)
    {
        to.WriteLine();
        to.WriteLine(report.Title);
        to.WriteLine($"{report.Machine.Processor}, {report.Machine.Cores} cores, {report.Machine.OperatingSystem}, {report.Machine.Runtime}");
        var rounds = report.Series[0].Outcomes.Count;
        to.WriteLine(rounds == 1 ? "One round." : string.Create(CultureInfo.InvariantCulture, $"Medians of {rounds} rounds; in brackets the lowest and the highest, where they differ by more than a tenth."));
        to.WriteLine();
        to.WriteLine("".PadRight(NameWidth) + string.Concat(report.Series.Select(series => series.Contender.Name.PadLeft(ColumnWidth))) + (report.Series.Count > 1 ? "ratio".PadLeft(10) : ""));
        foreach (var (name, unit) in report.Figures)
        {
            to.Write((unit.Length > 0 ? $"{name} ({unit})" : name).PadRight(NameWidth));
            foreach (var series in report.Series)
            {
                to.Write(Cell(series, name).PadLeft(ColumnWidth));
            }

            to.WriteLine(report.Ratio(name) is { } ratio ? Figure.Show(ratio).PadLeft(10) : "");
        }

        to.WriteLine();
        var problems = report.Problems.ToList();
        to.WriteLine(problems.Count == 0
            ? $"Verified: {report.Promise}"
            : "NOT as promised:" + string.Concat(problems.Select(problem => $"{Environment.NewLine}  {problem}")));
    }

    private static string Cell(Series series, string figure)
    {
        var values = series.Values(figure);
        var median = Figure.Show(series.Median(figure));
        return values.Length > 1 && values.Max() - values.Min() > Math.Abs(series.Median(figure)) / 10
            ? $"{median} [{Figure.Show(values.Min())}–{Figure.Show(values.Max())}]"
            : median;
    }
}
