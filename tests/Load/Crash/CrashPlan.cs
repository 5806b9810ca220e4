using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Crash;

/// <summary>What a run does.</summary>
/// <param name="PerSecond">Messages a second, all publishers together, while the server lives.</param>
/// <param name="LongestLife">The server lives this long at most after it was ready.</param>
/// <param name="Limit">After this time there are no more kills, and what there is is checked.</param>
internal sealed record CrashPlan(
    int Kills, int Seed, int Rooms, double PerSecond, TimeSpan LongestLife, TimeSpan Limit, IReadOnlyList<PublisherPlan> Publishers, IReadOnlyList<ListenerPlan> Listeners)
{
    /// <summary>Once in so many lives the server is killed while it starts.</summary>
    public const int KilledAtStartOneIn = 10;

    /// <summary>Once in so many lives it is asked to stop, by SIGTERM, which is not counted as a kill.</summary>
    public const int TerminatedOneIn = 12;

    /// <summary>Six give their messages ids, and two leave it to QoS 2.</summary>
    public static IReadOnlyList<PublisherPlan> EightPublishers { get; } =
    [
        .. from version in (MqttVersion[])[MqttVersion.V5, MqttVersion.V311]
           from quality in (byte[])[1, 2]
           from duplicates in (bool[])[true, false]
           select new PublisherPlan(version, quality, duplicates, RelyOnSession: quality == 2 && duplicates),
    ];

    /// <summary>Half of them keep their own place; the places of the others are the server's to keep.</summary>
    public static IReadOnlyList<ListenerPlan> EightListeners { get; } =
    [
        new(IsDurable: false, MqttVersion.V5),
        new(IsDurable: false, MqttVersion.V5, ReceiveMaximum: 5),
        new(IsDurable: false, MqttVersion.V5, ReceiveMaximum: 50),
        new(IsDurable: false, MqttVersion.V5, QualityOfService: 0),
        new(IsDurable: true, MqttVersion.V311),
        new(IsDurable: true, MqttVersion.V311, SubscribesAgain: true),
        new(IsDurable: true, MqttVersion.V5, HearsTwice: true),
        new(IsDurable: true, MqttVersion.V5, ReceiveMaximum: 10, SubscribesAgain: true),
    ];
}
