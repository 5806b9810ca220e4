using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// A room that talks, whose members watch who is here, while one more account subscribes and unsubscribes as fast as the server reads: by
/// turns with the same talk undisturbed.
/// </summary>
internal sealed class TogglingScenario(Arguments arguments) : IScenario
{
    /// <summary>Of the members; the toggler has one of its own.</summary>
    private const int Accounts = 100;

    private const int Publishers = 4;
    private const int PairsAtOnce = 50;
    private const int Pairs = 3;

    /// <summary>How many times the quiet room's p99 the others may notice.</summary>
    private const double Allowed = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly int _members = arguments.Number("members", 1, 10_000);
    private readonly int _rate = arguments.Number("rate", 1, 10_000);
    private readonly TimeSpan _warmUp = arguments.Seconds("warmup");
    private readonly TimeSpan _turn = arguments.Seconds("seconds") / Pairs;

    public static ScenarioKind Kind { get; } = new(
        "toggling",
        "one account that subscribes and unsubscribes without end, and what a room that talks notices of it",
        [
            new("members", "360", "members, a connection each, who hear the room and watch who is here"),
            new("rate", "20", "messages a second in the room"),
            new("warmup", "3", "seconds of the same talk before measuring"),
            new("seconds", "12", "seconds that are measured with the toggler, in three turns; as many without"),
        ],
        arguments => new TogglingScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"a room of {_members} who watch who is here, {_rate} messages/s, and one account that subscribes and unsubscribes without end");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"toggling-{_members}-{_rate}ps");

    public string Promise =>
        "every acknowledged message reached every member once and in order, at most five times as late (p99) as in the quiet room.";

    public Preparation Preparation { get; } = new(Accounts + 1, Rooms: 1);

    public IReadOnlyList<string> KeptLimits { get; } = ["SubscribePerSecond"];

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, rooms: 1) { WatchesPresence = true };
        await swarm.OpenAsync(
            [.. Enumerable.Repeat(0, _members)],
            [.. Enumerable.Repeat(0, Publishers).Select(room => new[] { room })],
            window: 16,
            textLength: 100,
            i => server.Login(i % Accounts),
            cancellation);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var talking = swarm.PublishAtRateAsync(_rate, enough.Token);
        await swarm.GoOnAsync(_warmUp, cancellation);
        using StoredLog log = new(new Uri($"http://{server.WebSocket}"), server.Login(0)!);
        Turns quiet = new(), toggled = new();
        for (var turn = 0; turn < 2 * Pairs; turn++)
        {
            // Without, with, with, without, …: what only grows with time counts for neither.
            var isQuiet = turn % 4 is 0 or 3;
            using var toggler = isQuiet
                ? null
                : await RawClient.OpenAsync(server.Door(Transport.Tcp), null, server.Login(Accounts), "toggler", 0, cancellation);
            var toggling = toggler is null ? Task.FromResult(0L) : ToggleAsync(toggler);
            await swarm.GoOnAsync(Pause, cancellation);
            await MeasureAsync(swarm, server, log, isQuiet ? quiet : toggled, cancellation);
            toggler?.Dispose();
            toggled.Toggles += await toggling;
        }

        await enough.CancelAsync();
        await talking;
        swarm.Stop();
        await swarm.QuietAsync(cancellation);
        List<string> problems = [.. await swarm.VerifyAsync(cancellation)];
        List<Figure> figures =
        [
            .. quiet.Figures("quiet"),
            .. toggled.Figures("toggling"),
            new("SUBSCRIBEs taken in", "/s", toggled.Toggles / (Pairs * (_turn + Pause).TotalSeconds)),
        ];
        (string, Histogram, Histogram)[] compared =
        [
            ("end to end", quiet.EndToEnd, toggled.EndToEnd), ("acknowledgement", quiet.Acknowledgement, toggled.Acknowledgement),
        ];
        foreach (var (name, before, during) in compared)
        {
            var ratio = during.Microseconds(0.99) / before.Microseconds(0.99);
            figures.Add(new(name + ", p99, toggling / quiet", "×", ratio));
            if (ratio > Allowed)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"the p99 of {name} was {ratio:0.0} times the quiet room's"));
            }
        }

        return new Outcome(figures, problems);
    }

    private async Task MeasureAsync(Swarm swarm, ServerUnderTest server, StoredLog log, Turns turns, CancellationToken cancellation)
    {
        var head = await HeadAsync(log, cancellation);
        var (acknowledged, cpu, at) = (swarm.Acknowledged, server.Process.Cpu, Stopwatch.GetTimestamp());
        lock (swarm.Gate)
        {
            swarm.EndToEnd.Clear();
            swarm.Acknowledgement.Clear();
        }

        await swarm.GoOnAsync(_turn, cancellation);
        turns.Cpu += server.Process.Cpu - cpu;
        turns.Time += Stopwatch.GetElapsedTime(at);
        lock (swarm.Gate)
        {
            turns.EndToEnd.Add(swarm.EndToEnd);
            turns.Acknowledgement.Add(swarm.Acknowledgement);
        }

        // What was under way at one end is as much as what was at the other.
        turns.Announced += await HeadAsync(log, cancellation) - head - (swarm.Acknowledged - acknowledged);
    }

    private static async Task<long> HeadAsync(StoredLog log, CancellationToken cancellation) => (await log.HeadsAsync(1, cancellation))[0];

    /// <summary>Until it is closed. Returns how many pairs the server let it send.</summary>
    private static async Task<long> ToggleAsync(RawClient toggler)
    {
        var room = RoomTopic.Of(0);
        byte[] pair = [.. ClientPackets.Subscribe(MqttVersion.V5, 1, room, 0), .. ClientPackets.Unsubscribe(MqttVersion.V5, 2, room)];
        byte[] pairs = [.. Enumerable.Repeat(pair, PairsAtOnce).SelectMany(bytes => bytes)];
        long sent = 0;
        try
        {
            while (true)
            {
                await toggler.SendAsync(pairs);
                sent += PairsAtOnce;
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return sent;
        }
    }

    private sealed class Turns
    {
        public Histogram EndToEnd { get; } = new();

        public Histogram Acknowledgement { get; } = new();

        public TimeSpan Cpu { get; set; }

        public TimeSpan Time { get; set; }

        public long Announced { get; set; }

        public long Toggles { get; set; }

        public IEnumerable<Figure> Figures(string when) =>
        [
            new($"end to end, p50, {when}", "ms", EndToEnd.Microseconds(0.5) / 1000),
            new($"end to end, p99, {when}", "ms", EndToEnd.Microseconds(0.99) / 1000),
            new($"acknowledgement, p50, {when}", "ms", Acknowledgement.Microseconds(0.5) / 1000),
            new($"acknowledgement, p99, {when}", "ms", Acknowledgement.Microseconds(0.99) / 1000),
            new($"joins and leaves stored, {when}", "/s", Math.Max(0, Announced) / Time.TotalSeconds),
            new($"server CPU, {when}", "% of a core", 100 * (Cpu / Time)),
        ];
    }
}
