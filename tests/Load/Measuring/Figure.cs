using System.Globalization;

namespace WebMessenger.Load.Measuring;

/// <summary>One measured number, with its unit.</summary>
internal sealed record Figure(string Name, string Unit, double Value)
{
    /// <summary>Three digits that mean something, and no more; whole numbers whole.</summary>
    public static string Show(double value) => double.IsNaN(value) ? "–"
        : value >= 100 || double.IsInteger(value) ? value.ToString("N0", CultureInfo.InvariantCulture)
        : value >= 10 ? value.ToString("0.0", CultureInfo.InvariantCulture)
        : value >= 1 ? value.ToString("0.00", CultureInfo.InvariantCulture)
        : value.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>NaN of nothing.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>What one round of a scenario came to. Without problems, all that was promised was kept.</summary>
internal sealed record Outcome(IReadOnlyList<Figure> Figures, IReadOnlyList<string> Problems);
