using System.Globalization;

namespace WebMessenger.Load.Suite;

/// <summary>What is run of a room's devices, and what has to come out of it.</summary>
internal sealed class DataPlan
{
    private const string PerDelivery = "server CPU per delivery";
    private const string Retained = "retained";
    private const string FanOut0 = "fan-out-0";
    private const string FanOut1 = "fan-out-1";
    private const string FanOut2 = "fan-out-2";
    private const string Wildcards = "wildcards";
    private const string Spread = "spread";
    private const string Replay0 = "replay-0";
    private const string Replay1 = "replay-1";
    private const string MatchFew = "match-1";
    private const string MatchMany = "match-100000";

    /// <summary>Where many topics are spoken to in turn.</summary>
    public const int ClientsOfATopic = 100;

    /// <param name="clients">Of the wildcards: a multiple of <see cref="ClientsOfATopic"/>.</param>
    public DataPlan(int clients)
    {
        Runs =
        [
            new(Retained, "retained publishes, 10,000 topics", "data-traffic --members 0 --topics 10000 --publishers 8 --window 64 --retain 1", BesideMosquitto: true, Overhead: 4),
            new(FanOut0, "1 × 1,000, QoS 0", "data-traffic --members 1000 --qos 0", BesideMosquitto: true, Overhead: 5),
            new(FanOut1, "1 × 1,000, QoS 1", "data-traffic --members 1000 --qos 1", BesideMosquitto: true, Overhead: 5),
            new(FanOut2, "1 × 1,000, QoS 2", "data-traffic --members 1000 --qos 2", BesideMosquitto: true, Overhead: 5),
            new(
                Wildcards,
                string.Create(CultureInfo.InvariantCulture, $"1 × {clients:N0} by wildcards, QoS 1"),
                string.Create(CultureInfo.InvariantCulture, $"data-traffic --members {clients} --wildcards 1"),
                BesideMosquitto: true,
                Overhead: 10),
            new(
                Spread,
                string.Create(CultureInfo.InvariantCulture, $"{clients / ClientsOfATopic:N0} × {ClientsOfATopic} by wildcards, QoS 1"),
                string.Create(CultureInfo.InvariantCulture, $"data-traffic --members {clients} --topics {clients / ClientsOfATopic} --publishers 4 --wildcards 1"),
                BesideMosquitto: true,
                Overhead: 10),
            new(Replay0, "100,000 values to one #, QoS 0", "data-replay --values 100000 --qos 0", BesideMosquitto: true, Overhead: 25),
            new(Replay1, "100,000 values to one #, QoS 1", "data-replay --values 100000 --qos 1", BesideMosquitto: true, Overhead: 25),
            new(MatchFew, "1 filter that matches, QoS 0", "data-traffic --members 1 --qos 0 --wildcards 1 --window 64", BesideMosquitto: true, Overhead: 3),
            new(MatchMany, "… and 100,000 that do not", "data-traffic --members 1 --qos 0 --wildcards 1 --window 64 --others 100000", BesideMosquitto: true, Overhead: 6),
        ];
        Goals =
        [
            BesideMosquitto(Retained, "server CPU per publish", double.NaN),
            BesideMosquitto(Retained, "publishes acknowledged", double.NaN, "/s", isAtLeast: true),
            BesideMosquitto(FanOut0, PerDelivery, double.NaN),
            BesideMosquitto(FanOut1, PerDelivery, 0.25),
            BesideMosquitto(FanOut2, PerDelivery, 0.5),
            BesideMosquitto(Wildcards, PerDelivery, 0.25),
            BesideMosquitto(Spread, PerDelivery, 0.25),
            Alone(Replay0, "values replayed", "/s", 100_000, isAtLeast: true),
            BesideMosquitto(Replay0, "values replayed", double.NaN, "/s", isAtLeast: true),
            BesideMosquitto(Replay1, "values replayed", double.NaN, "/s", isAtLeast: true),
            Alone(Replay0, "memory per value beside its bytes", "B", 300),
            BesideMosquitto(Replay0, "memory per value beside its bytes", double.NaN, "B"),
            new(Title(MatchMany), PerDelivery, "µs", new(MatchMany, PerDelivery), new(MatchFew, PerDelivery, Label: "alone"), Comparison.Ratio, 1.5),
            BesideMosquitto(MatchMany, PerDelivery, double.NaN),
        ];
    }

    /// <summary>In the order in which they are run.</summary>
    public IReadOnlyList<SuiteRun> Runs { get; }

    /// <summary>In the order of the table.</summary>
    public IReadOnlyList<Goal> Goals { get; }

    private Goal BesideMosquitto(string run, string figure, double limit, string unit = "µs", bool isAtLeast = false) =>
        new(Title(run), figure, unit, new(run, figure), new(run, figure, IsMosquittos: true), Comparison.Ratio, limit, isAtLeast);

    private Goal Alone(string run, string figure, string unit, double limit, bool isAtLeast = false) =>
        new(Title(run), figure, unit, new(run, figure), null, Comparison.None, limit, isAtLeast);

    private string Title(string run) => Runs.First(one => one.Name == run).Title;
}
