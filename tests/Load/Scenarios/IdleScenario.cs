using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>Connections that are signed in and do nothing: what each costs in memory, and what opening them cost.</summary>
internal sealed class IdleScenario : IScenario
{
    /// <summary>
    /// Opened and closed first, so that pools that any connection needs are not counted;
    /// and more than once, so that the code has been compiled for good.
    /// </summary>
    private const int WarmUpConnections = 200;

    private const int WarmUpBursts = 5;
    private const int Accounts = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(20);

    private readonly int _connections;
    private readonly int _rooms;
    private readonly MqttVersion _version;
    private readonly Transport _transport;

    private IdleScenario(Arguments arguments)
    {
        (_connections, _rooms) = (arguments.Number("connections", 1, 60_000), arguments.Number("rooms", 0, 10_000));
        (_version, _transport) = (arguments.Version(), arguments.Transport());
        Preparation = new Preparation(Accounts, Math.Max(1, _rooms));
    }

    public static ScenarioKind Kind { get; } = new(
        "idle",
        "connections that are signed in and do nothing: memory for each",
        [
            new("connections", "1000", "how many"),
            new("rooms", "0", "rooms that they subscribe to, one each, shared out; 0: none"),
            .. SharedOptions.Doors,
        ],
        arguments => new IdleScenario(arguments));

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"{_connections} idle connections of {Accounts} accounts, {(_rooms > 0 ? $"subscribed to {_rooms} rooms" : "not subscribed")}, {_version.Name()}, {_transport.Name()}");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"idle-{_connections}-{_rooms}{SharedOptions.Suffix(_version, _transport)}");

    public Preparation Preparation { get; }

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        for (var burst = 0; burst < WarmUpBursts; burst++)
        {
            using var first = await OpenAsync(server, WarmUpConnections, cancellation);
            await Task.Delay(Pause, cancellation);
        }

        var before = await SettledMemory.OfAsync(server, SettleTime, cancellation);
        var begin = Reading.Now(server);
        using var swarm = await OpenAsync(server, _connections, cancellation);
        var opening = Reading.Now(server) - begin;
        var after = await SettledMemory.OfAsync(server, SettleTime, cancellation);
        var (idleStart, cpuIdle) = (Stopwatch.GetTimestamp(), server.Process.Cpu);
        await Task.Delay(Pause * 4, cancellation);
        var idle = (server.Process.Cpu - cpuIdle) / Stopwatch.GetElapsedTime(idleStart);
        List<Figure> figures =
        [
            new("memory per connection", "kB", (after - before) / 1000.0 / _connections),
            new("server memory", "MB", after / 1e6),
            new("connections opened", "/s", _connections / opening.Time.TotalSeconds),
            new("server CPU per connection opened", "µs", opening.Server.TotalMicroseconds / _connections),
            new("generator CPU per connection opened", "µs", opening.Generator.TotalMicroseconds / _connections),
            new("server CPU while opening", "% of a core", 100 * (opening.Server / opening.Time)),
            new("generator CPU while opening", "% of a core", 100 * (opening.Generator / opening.Time)),
            .. opening.Others is { } others ? [new("everything else's CPU while opening", "% of a core", 100 * (others / opening.Time))] : Array.Empty<Figure>(),
            new("server CPU when idle", "% of a core", 100 * idle),
        ];
        return new Outcome(figures, await swarm.VerifyAsync(cancellation));
    }

    private async Task<Swarm> OpenAsync(ServerUnderTest server, int connections, CancellationToken cancellation)
    {
        Swarm swarm = new(server.Door(_transport), _version, Math.Max(1, _rooms));
        try
        {
            await swarm.OpenAsync(
                [.. Enumerable.Range(0, connections).Select(i => _rooms == 0 ? -1 : i % _rooms)], [], window: 1, MessageText.MinimumLength, server.Login, cancellation);
            return swarm;
        }
        catch
        {
            swarm.Dispose();
            throw;
        }
    }
}
