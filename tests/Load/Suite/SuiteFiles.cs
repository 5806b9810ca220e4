using System.Globalization;
using System.Text;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;

namespace WebMessenger.Load.Suite;

/// <summary>The suite for programs, and as a picture for the README.</summary>
internal static class SuiteFiles
{
    private const string Name = "suite";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Returns the files' paths.</summary>
    public static async Task<IReadOnlyList<string>> WriteAsync(string folder, SuiteReport report, CancellationToken cancellation)
    {
        List<string> written = [await WriteAsync(folder, Name, report, SuitePlan.Goals, cancellation)];
        if (Chart(report) is { Pairs.Count: > 0 } chart)
        {
            written.Add(Path.Combine(folder, Name + ".svg"));
            await File.WriteAllTextAsync(written[^1], chart.Draw().ToString() + "\n", Utf8, cancellation);
        }

        return written;
    }

    /// <summary>For programs alone. Returns the file's path.</summary>
    /// <param name="name">Without extension.</param>
    public static Task<string> WriteAsync(string folder, string name, SuiteReport report, IReadOnlyList<Goal> goals, CancellationToken cancellation) =>
        JsonFile.WriteAsync(folder, name, Shape(report, goals), cancellation);

    /// <summary>What a delivery, or a publish, costs the processor beside mosquitto, where that was measured.</summary>
    public static BarChart Chart(SuiteReport report)
    {
        var rows = report.Rows(SuitePlan.Goals).Where(row => row.Goal is { Unit: "µs", Beside.IsMosquittos: true, Comparison: Comparison.Ratio } && double.IsFinite(row.Compared));
        var mosquitto = report.Contenders.FirstOrDefault(contender => contender.Name == "mosquitto").Version;
        return new BarChart(
            "What a message costs the server's processor",
            "Time of a processor core, user and kernel. Each pair has its own scale, on which mosquitto is 1; shorter is better.",
            "WebMessenger",
            $"mosquitto {mosquitto}",
            [
                .. rows.Select(row => new BarChart.Pair(
                    row.Goal.Scenario,
                    row.Goal.Figure,
                    row.Compared,
                    $"{Figure.Show(row.Ours)} µs",
                    $"{Figure.Show(row.Beside)} µs",
                    SuiteTable.Compared(row),
                    double.IsNaN(row.Goal.Limit) ? "" : $"aim {SuiteTable.Target(row.Goal)}")),
            ],
            [
                "QoS 1 in and out, 100-byte text. WebMessenger: sign-in, rights, JSON events, a log that is synced before each acknowledgement.",
                "mosquitto: anonymous, the bare text, nothing kept.",
                string.Create(CultureInfo.InvariantCulture, $"{report.Machine.Processor}, {report.Machine.Cores} cores shared with the generator{(report.OtherWork is { } cores ? $" and with other work (up to {cores:0.0} cores)" : "")}, {report.Machine.OperatingSystem}"),
                string.Create(CultureInfo.InvariantCulture, $"{report.At:yyyy-MM-dd}, {report.Machine.Runtime}, {(report.Rounds == 1 ? "one round" : $"medians of {report.Rounds} rounds by turns")}: {report.Command}"),
            ]);
    }

    private static object Shape(SuiteReport report, IReadOnlyList<Goal> goals) => new
    {
        At = JsonFile.Time(report.At),
        report.Command,
        report.Machine,
        report.Rounds,
        Contenders = report.Contenders.Select(contender => new { contender.Name, contender.Version }),
        Goals = report.Rows(goals).Select(row => new
        {
            row.Goal.Scenario,
            row.Goal.Figure,
            row.Goal.Unit,
            Ours = JsonFile.Rounded(row.Ours),
            Beside = row.Goal.Beside is null ? (double?)null : JsonFile.Rounded(row.Beside),
            BesideWhat = row.Goal.Beside is not { } beside ? null : beside.IsMosquittos ? "mosquitto" : beside.Label,
            Comparison = row.Goal.Comparison.ToString().ToLowerInvariant(),
            Compared = JsonFile.Rounded(row.Compared),
            Target = double.IsNaN(row.Goal.Limit) ? null : SuiteTable.Target(row.Goal),
            Reached = row.IsReached,
        }),
        Runs = report.Runs.Select(run => new { run.Run.Name, Report = JsonFile.Shape(run.Report) }),
    };
}
