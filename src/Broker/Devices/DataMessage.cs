using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Devices;

/// <summary>What is said on a data topic. Immutable, and the same object for all who hear it.</summary>
internal sealed class DataMessage
{
    /// <summary>Below `rooms/{room}/data/`: what <see cref="DataTopic.TryParse"/> lets through.</summary>
    public required string Topic { get; init; }

    /// <summary>Any bytes. Empty and <see cref="Retain"/>: the retained value is cleared.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>
    /// Properties of MQTT 5 as they came, byte for byte and in their order: payload format, content type, response topic, correlation
    /// data, user properties. Without topic alias, message expiry and subscription ids, which are each connection's own.
    /// </summary>
    public ReadOnlyMemory<byte> Properties { get; init; }

    /// <summary>0, 1 or 2: as it was published.</summary>
    public byte QualityOfService { get; init; }

    /// <summary>As it was published.</summary>
    public bool Retain { get; init; }

    /// <summary>Null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it came in.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Hash of account, mount and client id, for No Local; 0: of no client (HTTP, a rule).</summary>
    public ulong PublisherMark { get; init; }

    /// <summary>The same, with a user property that says to who hears it that he has missed something before.</summary>
    public DataMessage AfterGap()
    {
        // Property 0x26, User Property (MQTT 5.0, 3.3.2.3.7): "gap" and "1".
        ReadOnlySpan<byte> gap = [0x26, 0, 3, (byte)'g', (byte)'a', (byte)'p', 0, 1, (byte)'1'];
        return new DataMessage
        {
            Topic = Topic,
            Payload = Payload,
            Properties = (byte[])[.. Properties.Span, .. gap],
            QualityOfService = QualityOfService,
            Retain = Retain,
            ExpiresAt = ExpiresAt,
            At = At,
            PublisherMark = PublisherMark,
        };
    }

    /// <summary>Whole seconds that are left of it, rounded up: what MQTT 5's message expiry says at delivery [MQTT-3.3.2-6].</summary>
    /// <returns>Null: it does not expire. 0 or less: it has expired, and is not delivered [MQTT-3.3.2-5].</returns>
    public long? SecondsLeft(DateTimeOffset now) =>
        ExpiresAt is { } end ? (long)Math.Ceiling((end - now).TotalSeconds) : null;
}
