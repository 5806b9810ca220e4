using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// One sender that waits for each acknowledgement, by turns with a probe that writes and syncs a file in the same folder.
/// </summary>
internal sealed class LoneScenario(Arguments arguments) : IScenario
{
    private const int WarmUpMessages = 1_000;
    private const int Slices = 20;

    private readonly int _perSlice = Math.Max(1, arguments.Number("messages", Slices, 1_000_000) / Slices);
    private readonly int _textLength = arguments.TextLength();
    private readonly MqttVersion _version = arguments.Version();
    private readonly Transport _transport = arguments.Transport();

    public static ScenarioKind Kind { get; } = new(
        "lone",
        "one sender, window 1, beside one write + fdatasync of a growing file in the same folder",
        [new("messages", "4000", "messages, and writes of the probe"), SharedOptions.Text, .. SharedOptions.Doors],
        arguments => new LoneScenario(arguments));

    public string Title => string.Create(CultureInfo.InvariantCulture, $"one sender, window 1, {Slices * _perSlice} messages, {_textLength}-byte text, QoS 1, {_version.Name()}, {_transport.Name()}");

    public string FileName => $"lone{SharedOptions.Suffix(_version, _transport)}";

    public Preparation Preparation { get; } = new(Accounts: 1, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(_transport), _version, rooms: 1);
        using SyncProbe probe = new(server.Folder);
        await swarm.OpenAsync([], [[0]], window: 1, _textLength, server.Login, cancellation);
        await PublishAsync(swarm, WarmUpMessages, cancellation);
        probe.Run(_perSlice);
        probe.Times.Clear();
        Meter meter = new(server, swarm);
        meter.Begin();
        for (var slice = 0; slice < Slices && !swarm.Broken.IsCompleted; slice++)
        {
            await PublishAsync(swarm, _perSlice, cancellation);
            probe.Run(_perSlice);
        }

        // Rates would count the probe's time in.
        var figures = meter.End().Where(figure => figure.Unit is "ms" or "µs").ToList();
        var sync = probe.Times.Microseconds(0.5) / 1000;
        figures.Add(new Figure("write + fdatasync, p50", "ms", sync));
        figures.Add(new Figure("acknowledgement p50 / sync p50", "×", figures.First(figure => figure.Name == "acknowledgement, p50").Value / sync));
        return new Outcome(figures, await swarm.VerifyAsync(cancellation));
    }

    private static Task PublishAsync(Swarm swarm, int count, CancellationToken cancellation)
    {
        swarm.Publish(count);
        return swarm.QuietAsync(cancellation);
    }
}
