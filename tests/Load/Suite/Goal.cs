namespace WebMessenger.Load.Suite;

/// <summary>What has to be reached, and where the numbers for it come from.</summary>
/// <param name="Ours">This server's figure.</param>
/// <param name="Beside">What it is compared with; null: it stands for itself.</param>
/// <param name="Limit">NaN: shown, and nothing has to be reached.</param>
internal sealed record Goal(string Scenario, string Figure, string Unit, Source Ours, Source? Beside, Comparison Comparison, double Limit, bool IsAtLeast = false)
{
    /// <summary>What <see cref="Limit"/> is about.</summary>
    public double Compare(double ours, double beside) => Comparison switch
    {
        Comparison.Ratio => ours / beside,
        Comparison.Difference => ours - beside,
        _ => ours,
    };

    /// <summary>Null: there is no limit. What was not measured has not been reached.</summary>
    public bool? IsReached(double compared) => double.IsNaN(Limit) ? null : IsAtLeast ? compared >= Limit : compared <= Limit;
}

/// <summary>A figure of a run.</summary>
/// <param name="Label">What is said beside the number when it is not mosquitto's.</param>
internal sealed record Source(string Run, string Figure, bool IsMosquittos = false, string Label = "");

internal enum Comparison
{
    /// <summary>The figure itself.</summary>
    None,
    Ratio,
    Difference,
}
