using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>Devices of one room that publish values, and clients that subscribe to them: plain MQTT, through a mount.</summary>
internal sealed class DataTrafficScenario : IScenario
{
    /// <summary>As many as a client of this server may have; the other brokers are asked the same way.</summary>
    private const int FiltersOfOne = 100;

    private readonly int _members;
    private readonly int _topics;
    private readonly int _publishers;
    private readonly int _window;
    private readonly int _others;
    private readonly byte _quality;
    private readonly bool _retains;
    private readonly bool _wildcards;
    private readonly int _textLength;
    private readonly TimeSpan _warmUp;
    private readonly TimeSpan _seconds;
    private readonly MqttVersion _version;
    private readonly Transport _transport;

    private DataTrafficScenario(Arguments arguments)
    {
        (_members, _topics, _publishers) = (arguments.Number("members", 0, 60_000), arguments.Number("topics", 1, 100_000), arguments.Number("publishers", 1, 1_000));
        (_window, _others, _quality) = (arguments.Number("window", 1, 128), arguments.Number("others", 0, 1_000_000), (byte)arguments.Number("qos", 0, 2));
        (_retains, _wildcards) = (arguments.Number("retain", 0, 1) == 1, arguments.Number("wildcards", 0, 1) == 1);
        (_textLength, _warmUp, _seconds) = (arguments.TextLength(), arguments.Seconds("warmup"), arguments.Seconds("seconds"));
        (_version, _transport) = (arguments.Version(), arguments.Transport());
        if (_members > 0 && _members % _topics != 0)
        {
            throw new UsageException("--members must be a multiple of --topics.");
        }

        if (_members == 0 && _quality == 0)
        {
            throw new UsageException("Publishes at QoS 0 whom nobody hears cannot be counted: --members or --qos.");
        }

        FileName = string.Create(CultureInfo.InvariantCulture,
            $"data-traffic-{_members}-{_topics}-qos{_quality}{(_retains ? "-retain" : "")}{(_wildcards ? "-wildcards" : "")}{(_others > 0 ? $"-others{_others}" : "")}{SharedOptions.Suffix(_version, _transport)}");
    }

    public static ScenarioKind Kind { get; } = new(
        "data-traffic",
        "devices of a room publish values to topics that others subscribe to, through a mount",
        [
            new("members", "100", "subscribers, a connection each; they share the topics out, one filter each"),
            new("topics", "1", "topics"),
            new("publishers", "1", "publishers, which share the topics out and speak to each of theirs in turn"),
            new("window", "16", "publishes that each publisher keeps under way, 1 to 128, and that members may be behind"),
            new("qos", "1", "of publishes and subscriptions"),
            new("retain", "0", "1: publishes are retained"),
            new("wildcards", "0", "1: members subscribe with + and #"),
            new("others", "0", "further filters in the room that match nothing, 100 a connection"),
            .. SharedOptions.Traffic,
        ],
        arguments => new DataTrafficScenario(arguments));

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"data topics: {_topics}, subscribers: {_members}{(_wildcards ? " by wildcards" : "")}, other filters: {_others}, publishers: {_publishers}, window: {_window}, {_textLength} bytes{(_retains ? ", retained" : "")}, QoS {_quality}, {_version.Name()}, {_transport.Name()}");

    public string FileName { get; }

    public Preparation Preparation => DeviceRoom.Preparation;

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        var login = await DeviceRoom.OpenAsync(server, cancellation);
        using Swarm others = new(server.Door(_transport), _version, _others / FiltersOfOne) { Manner = new(Topic, OtherFilters, _quality), ClientIds = "other" };
        await others.OpenAsync([.. Enumerable.Range(0, _others / FiltersOfOne)], [], _window, _textLength, login, cancellation);
        using Swarm swarm = new(server.Door(_transport), _version, _topics) { Manner = new(Topic, topic => [Filter(topic)], _quality, _retains, _window) };
        await swarm.OpenAsync(
            [.. Enumerable.Range(0, _members).Select(member => member % _topics)],
            [.. Enumerable.Range(0, _publishers).Select(publisher => Enumerable.Range(0, _topics).Where(topic => topic % _publishers == publisher % _topics).ToArray())],
            _window,
            _textLength,
            login,
            cancellation);
        swarm.Publish(long.MaxValue);
        await swarm.GoOnAsync(_warmUp, cancellation);
        Meter meter = new(server, swarm);
        meter.Begin();
        await swarm.GoOnAsync(_seconds, cancellation);
        var figures = meter.End();
        swarm.Stop();
        await swarm.QuietAsync(cancellation);
        return new Outcome(figures, [.. await swarm.VerifyAsync(cancellation), .. await others.VerifyAsync(cancellation)]);
    }

    private static string Topic(int topic) => string.Create(CultureInfo.InvariantCulture, $"site/{topic}/sensor/value");

    private string Filter(int topic) => _wildcards ? string.Create(CultureInfo.InvariantCulture, $"site/{topic}/+/#") : Topic(topic);

    /// <summary>Beside what is published: at its second level, and at its third.</summary>
    private static IEnumerable<string> OtherFilters(int client) => Enumerable.Range(0, FiltersOfOne).Select(filter => filter % 2 == 0
        ? string.Create(CultureInfo.InvariantCulture, $"site/other-{client}-{filter}/+/value")
        : string.Create(CultureInfo.InvariantCulture, $"site/0/other-{client}-{filter}/#"));
}
