using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Load.Reports;

/// <summary>A report for programs: what was run, on what, and every figure of every round.</summary>
internal static class JsonFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Returns the file's path.</summary>
    public static Task<string> WriteAsync(string folder, string name, Report report, CancellationToken cancellation) => WriteAsync(folder, name, Shape(report), cancellation);

    /// <inheritdoc cref="WriteAsync(string, string, Report, CancellationToken)"/>
    public static async Task<string> WriteAsync(string folder, string name, object shape, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, name + ".json");
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(shape, Format) + "\n", cancellation);
        return path;
    }

    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static double Rounded(double value) => double.IsFinite(value) ? Math.Round(value, 4) : value;

    public static object Shape(Report report) => new
    {
        report.Scenario,
        report.Title,
        At = Time(TimeProvider.System.GetUtcNow()),
        report.Machine,
        report.Options,
        report.Settings,
        Contenders = report.Series.Select(series => new
        {
            series.Contender.Name,
            series.Contender.Version,
            Figures = report.Figures.Select(figure => new { figure.Name, figure.Unit, Median = Rounded(series.Median(figure.Name)), Rounds = series.Values(figure.Name).Select(Rounded) }),
        }),
        Ratios = report.Series.Count < 2 ? null : report.Figures.Select(figure => new { figure.Name, Ratio = Rounded(report.Ratio(figure.Name)!.Value) }),
        report.Problems,
    };
}
