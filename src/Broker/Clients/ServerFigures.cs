using System.Globalization;
using System.Reflection;
using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;

namespace WebMessenger.Broker.Clients;

/// <summary>What the server says of itself, under mosquitto's names where it means the same (mosquitto(8), broker status).</summary>
/// <remarks>
/// Everything is summed when it is asked for; only <see cref="Sample"/> is remembered, by one thread at a time. The rest is thread-safe.
/// </remarks>
internal sealed class ServerFigures(ConnectionDirectory connections, DurableClients durable, RetainedRooms retained, TimeProvider time)
{
    private const string Prefix = "$SYS/broker/";

    private static readonly string s_version = "WebMessenger " + typeof(ServerFigures).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static readonly double s_minute = TimeSpan.FromMinutes(1).TotalSeconds;

    private readonly long _startedAt = time.GetTimestamp();
    private (long At, TrafficTotals Traffic)? _sampled;
    private volatile double[]? _perMinute;

    /// <summary>What devices and bridges look at, and what tells nothing of other rooms.</summary>
    public IReadOnlyList<DataFrames> OfMounts() =>
    [
        Value("version", s_version),
        Value("uptime", $"{(long)time.GetElapsedTime(_startedAt).TotalSeconds} seconds"),
    ];

    /// <summary>What administrators hear.</summary>
    public IReadOnlyList<DataFrames> All()
    {
        var (connected, filters, traffic) = connections.Figures();
        var away = durable.CountAway();
        List<DataFrames> all =
        [
            .. OfMounts(),
            Value("clients/connected", $"{connected}"),
            Value("clients/disconnected", $"{away}"),
            Value("clients/total", $"{connected + away}"),
            Value("messages/received", $"{traffic.PacketsIn}"),
            Value("messages/sent", $"{traffic.PacketsOut}"),
            Value("bytes/received", $"{traffic.BytesIn}"),
            Value("bytes/sent", $"{traffic.BytesOut}"),
            Value("subscriptions/count", $"{filters}"),
            Value("retained messages/count", $"{retained.CountInMemory()}"),
            Value("heap/current", $"{GC.GetTotalMemory(forceFullCollection: false)}"),
        ];
        if (_perMinute is { } load)
        {
            all.Add(Value("load/messages/received/1min", $"{load[0]:F2}"));
            all.Add(Value("load/bytes/received/1min", $"{load[1]:F2}"));
            all.Add(Value("load/messages/sent/1min", $"{load[2]:F2}"));
            all.Add(Value("load/bytes/sent/1min", $"{load[3]:F2}"));
        }

        return all;
    }

    /// <summary>
    /// Once an interval while an administrator listens: how much goes on in a minute, older ones counting less, as mosquitto has it.
    /// </summary>
    public void Sample()
    {
        var now = (At: time.GetTimestamp(), connections.Figures().Traffic);
        if (_sampled is { } before && time.GetElapsedTime(before.At, now.At).TotalSeconds is > 0 and var seconds)
        {
            double[] latest =
            [
                now.Traffic.PacketsIn - before.Traffic.PacketsIn,
                now.Traffic.BytesIn - before.Traffic.BytesIn,
                now.Traffic.PacketsOut - before.Traffic.PacketsOut,
                now.Traffic.BytesOut - before.Traffic.BytesOut,
            ];
            var old = _perMinute;
            var weight = old is null ? 0 : Math.Exp(-seconds / s_minute);
            _perMinute = [.. latest.Select((count, i) => (count * s_minute / seconds * (1 - weight)) + (weight * (old?[i] ?? 0)))];
        }

        _sampled = now;
    }

    /// <summary>No administrator listens any more.</summary>
    public void Forget() => (_sampled, _perMinute) = (null, null);

    private DataFrames Value(string name, FormattableString text) => Value(name, text.ToString(CultureInfo.InvariantCulture));

    private DataFrames Value(string name, string text) => new(
        new DataMessage { Topic = Prefix + name, Payload = Encoding.UTF8.GetBytes(text), Retain = true, At = time.GetUtcNow() }, prefix: []);
}
