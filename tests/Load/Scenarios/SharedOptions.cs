using WebMessenger.Load.Commands;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>Options that mean the same wherever they are taken.</summary>
internal static class SharedOptions
{
    public static Option Out { get; } = new("out", "", "folder for a JSON file with all figures, such as docs/benchmarks");

    public static Option Mosquitto { get; } = new("mosquitto", "", "mosquitto's binary; looked for where it is usually installed");

    /// <summary>Which server, and how it is set.</summary>
    public static IReadOnlyList<Option> Server { get; } =
    [
        new("server", "", "another build of WebMessenger.dll, not the one beside this program"),
        new("setting", "", "a setting for the server, such as WebMessenger:Limits:UnacknowledgedPerClient=64; may be given many times"),
    ];

    /// <summary>How all clients speak.</summary>
    public static IReadOnlyList<Option> Doors => [Mqtt, Over];

    /// <summary>For traffic that goes on for a time.</summary>
    public static IReadOnlyList<Option> Traffic => [Text, .. Doors, .. Timed];

    public static IReadOnlyList<Option> Timed => [WarmUp, Seconds];

    public static Option Text { get; } = new("text", "100", "length of a message's text in bytes");

    private static Option Mqtt { get; } = new("mqtt", "3.1.1", "protocol version of all clients: 3.1.1 or 5");

    private static Option Over { get; } = new("over", "tcp", "how all clients connect: tcp or websocket");

    private static Option WarmUp { get; } = new("warmup", "10", "seconds of the same traffic before measuring");

    private static Option Seconds { get; } = new("seconds", "6", "seconds that are measured");

    public static MqttVersion Version(this Arguments arguments) => arguments.Text("mqtt") switch
    {
        "3.1.1" => MqttVersion.V311,
        "5" => MqttVersion.V5,
        _ => throw new UsageException("--mqtt must be 3.1.1 or 5."),
    };

    public static Transport Transport(this Arguments arguments) => arguments.Text("over") switch
    {
        "tcp" => Servers.Transport.Tcp,
        "websocket" => Servers.Transport.WebSocket,
        _ => throw new UsageException("--over must be tcp or websocket."),
    };

    public static int TextLength(this Arguments arguments) => arguments.Number("text", Generator.MessageText.MinimumLength, 4_000);

    public static string Name(this MqttVersion version) => version == MqttVersion.V5 ? "MQTT 5" : "MQTT 3.1.1";

    public static string Name(this Transport transport) => transport == Servers.Transport.WebSocket ? "WebSocket" : "TCP";

    /// <summary>What tells files of the same load over other protocols apart.</summary>
    public static string Suffix(MqttVersion version, Transport transport) => $"-mqtt{(int)version}{(transport == Servers.Transport.WebSocket ? "-websocket" : "")}";
}
