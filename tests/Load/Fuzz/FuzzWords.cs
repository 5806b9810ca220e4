namespace WebMessenger.Load.Fuzz;

/// <summary>What fuzzing connections say: what is talked of, and the little that is right in it.</summary>
/// <param name="Home">Topics of most publishes.</param>
/// <param name="Topics">Of the others, and of wills.</param>
/// <param name="Filters">Of a SUBSCRIBE and an UNSUBSCRIBE.</param>
internal sealed record FuzzWords(
    IReadOnlyList<string> Home, IReadOnlyList<string> Topics, IReadOnlyList<string> Filters, IReadOnlyList<string> Payloads)
{
    /// <summary>For an access token of a whole account: people's talk in the room `lobby`.</summary>
    public static FuzzWords Talk { get; } = new(
        ["rooms/lobby"],
        ["rooms/lobby", "rooms/lobby", "rooms/lobby/typing", "rooms/lobby/text", "rooms/nowhere", "users/nobody", "rooms/+", "", "$SYS/x", "rooms/lobby/data/x", "rooms/\0", "a/b"],
        ["rooms/lobby", "rooms/+", "rooms/#", "rooms/lobby/text", "rooms/+/presence/+", "rooms/lobby/info", "$share/g/rooms/lobby", "#", "a/#/b", "users/nobody", ""],
        ["hello", "", "{\"type\":\"message\",\"text\":\"x\",\"id\":\"same\"}", "{\"type\":\"edit\",\"of\":2,\"text\":\"y\"}", "{\"type\":\"delete\",\"of\":3}",
            "{\"type\":\"reaction\",\"of\":2,\"emoji\":\"👍\",\"on\":true}", "{\"type\":\"dance\"}", "{\"type\":", "{\"type\":\"message\",\"text\":\"\\ud800\"}", "\u001b[31m\r\n\u202E"]);

    /// <summary>For an access token whose mount is a room: its data topics, where a publish may have all that MQTT has.</summary>
    public static FuzzWords Data { get; } = new(
        ["a", "a/b", "a/b/c", "/a", "a//b", "home/lamp/state", "home/lamp/set", "x y/z", "$SYS/broker/connection/fuzz/state"],
        ["a/", "/", "//", "$share/g/a", "$other/x", "rooms/lobby", "users/nobody", "\uFEFFa", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "homeassistant/switch/lamp/config"],
        ["#", "+", "+/#", "a/#", "a/+/c", "/+", "a//b", "+/+/+", "home/lamp/#", "$share/g/#", "$share/g/a/+", "$share/h/home/#", "$share/h/home/#", "$SYS/#", "$SYS/broker/connection/#", "rooms/lobby"],
        ["", "", "ON", "21.5", "{\"state\":\"ON\",\"brightness\":128}",
            "{\"name\":\"Lamp\",\"command_topic\":\"home/lamp/set\",\"state_topic\":\"home/lamp/state\",\"unique_id\":\"x\"}", "{", "\0\u0001\u007F", "☃"])
    {
        Wrong = ["", "#", "a/+", "a\0b", "a/#/b", "a+", "$SYS/x", "$SYS/broker/uptime", "$share//a", "$share/g", "$share/+/a"],
        OptionBits = 0x3C,
        IsData = true,
    };

    /// <summary>Topics and filters that end a connection or are refused: seldom, for nothing behind the first is read.</summary>
    public IReadOnlyList<string> Wrong { get; init; } = [];

    /// <summary>Of a filter's options (MQTT 5.0, 3.8.3.1), beside the QoS.</summary>
    public int OptionBits { get; init; }

    /// <summary>Wills are retained and late, aliases are used, and properties are to be passed on.</summary>
    public bool IsData { get; init; }
}

/// <summary>Whom fuzzing connections sign in as, and what they say.</summary>
internal sealed record FuzzLogin(string User, string Secret, FuzzWords Words);
