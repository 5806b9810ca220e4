using WebMessenger.Load.Commands;
using WebMessenger.Load.Scenarios;

namespace WebMessenger.Load.Suite;

/// <summary>What is run, and what has to come out of it.</summary>
internal static class SuitePlan
{
    private const string PerDelivery = "server CPU per delivery";
    private const string PerPublish = "server CPU per publish";
    private const string Room100 = "room-100";
    private const string Room1000 = "room-1000";
    private const string WebSocket = "websocket";
    private const string Rooms = "rooms";
    private const string Flat100 = "flat-100";
    private const string Flat10000 = "flat-10000";
    private const string Calm = "calm";
    private const string Lone = "lone";
    private const string Senders = "senders";
    private const string Idle = "idle";
    private const string Connects = "connects";
    private const string StalledCalm = "stalled-calm";
    private const string StalledBusy = "stalled-busy";

    /// <summary>In the order in which they are run.</summary>
    public static IReadOnlyList<SuiteRun> Runs { get; } =
    [
        new(Room100, "1 room × 100 members", "room --members 100 --window 16", BesideMosquitto: true, Overhead: 3),
        new(Room1000, "1 room × 1,000 members", "room --members 1000 --window 16", BesideMosquitto: true, Overhead: 4),
        new(WebSocket, "1 room × 100 members, WebSocket", "room --members 100 --window 16 --over websocket", BesideMosquitto: true, Overhead: 3),
        new(Rooms, "1,000 rooms × 10 members", "room --rooms 1000 --members 10 --publishers 10 --window 4", BesideMosquitto: true, Overhead: 8),
        new(Flat100, "10 rooms × 10 members", "room --rooms 10 --members 10 --publishers 10 --window 4", BesideMosquitto: false, Overhead: 3),
        new(Flat10000, "… and 9,900 connections more", "room --rooms 10 --idle-rooms 990 --members 10 --publishers 10 --window 4", BesideMosquitto: false, Overhead: 10),
        new(Calm, "1 room × 10 members, 100/s", "room --members 10 --rate 100", BesideMosquitto: true, Overhead: 3, WarmUps: 2),
        new(Lone, "lone sender", "lone", BesideMosquitto: false, Overhead: 12),
        new(Senders, "256 senders, window 16", "senders --senders 256 --window 16", BesideMosquitto: false, Overhead: 3),
        new(Idle, "10,000 idle connections", "idle --connections 10000", BesideMosquitto: false, Overhead: 20),
        new(Connects, "10,000 connects, subscribing", "idle --connections 10000 --rooms 100", BesideMosquitto: true, Overhead: 16),
        new(StalledCalm, "one stalled among 100, 200/s", "room --members 100 --rate 200 --stalled 1", BesideMosquitto: false, Overhead: 13),
        new(StalledBusy, "one stalled among 100, window 16", "room --members 100 --window 16 --stalled 1", BesideMosquitto: false, Overhead: 13),
    ];

    /// <summary>In the order of the table.</summary>
    public static IReadOnlyList<Goal> Goals { get; } =
    [
        BesideMosquitto(Room100, PerDelivery, "µs", 0.12),
        BesideMosquitto(Room1000, PerDelivery, "µs", 0.15),
        BesideMosquitto(WebSocket, PerDelivery, "µs", 0.35),
        BesideMosquitto(Rooms, PerPublish, "µs", 0.6),
        BesideAnother(Flat10000, Flat100, PerPublish, "µs", "100 connections", 1.2),
        BesideAnother(Rooms, Flat100, PerPublish, "µs", "100 connections", double.NaN),
        BesideMosquitto(Calm, "end to end, p50", "ms", 0.6, Comparison.Difference),
        BesideMosquitto(Calm, PerDelivery, "µs", 2),
        new(Title(Lone), "acknowledgement, p50", "ms", new(Lone, "acknowledgement, p50"), new(Lone, "write + fdatasync, p50", Label: "a sync"), Comparison.Ratio, 1.5),
        Alone(Senders, "publishes acknowledged", "/s", 40_000, isAtLeast: true),
        Alone(Idle, "memory per connection", "kB", 14),
        BesideMosquitto(Connects, "memory per connection", "kB", double.NaN),
        BesideMosquitto(Connects, "connections opened", "/s", 0.7, isAtLeast: true),
        BesideStalled(StalledCalm, StalledTurns.EndToEnd, "ms", Comparison.Ratio, 1.25),
        BesideStalled(StalledBusy, StalledTurns.EndToEnd, "ms", Comparison.Ratio, 1.25),
        BesideStalled(StalledCalm, StalledTurns.Memory, "MB", Comparison.Difference, 16),
    ];

    /// <param name="only">Names, separated by commas; null: all.</param>
    /// <exception cref="UsageException">One that there is not.</exception>
    public static IReadOnlyList<SuiteRun> Named(string? only) => SuiteRun.Named(Runs, only);

    private static Goal BesideMosquitto(string run, string figure, string unit, double limit, Comparison comparison = Comparison.Ratio, bool isAtLeast = false) =>
        new(Title(run), figure, unit, new(run, figure), new(run, figure, IsMosquittos: true), comparison, limit, isAtLeast);

    private static Goal BesideAnother(string run, string other, string figure, string unit, string label, double limit) =>
        new(Title(run), figure, unit, new(run, figure), new(other, figure, Label: label), Comparison.Ratio, limit);

    private static Goal BesideStalled(string run, string figure, string unit, Comparison comparison, double limit) =>
        new(Title(run), figure, unit, new(run, $"{figure}, {StalledTurns.With}"), new(run, $"{figure}, {StalledTurns.Without}", Label: "without"), comparison, limit);

    private static Goal Alone(string run, string figure, string unit, double limit, bool isAtLeast = false) =>
        new(Title(run), figure, unit, new(run, figure), null, Comparison.None, limit, isAtLeast);

    private static string Title(string run) => Runs.First(one => one.Name == run).Title;
}
