namespace WebMessenger.Broker.Wire;

/// <summary>
/// The PUBACK or PUBREC that a client is owed. Filled in before <see cref="IsDone"/> is set under the connection's write lock.
/// </summary>
internal class PublishAnswer(ushort packetId, byte qualityOfService)
{
    public ushort PacketId { get; } = packetId;

    public byte QualityOfService { get; } = qualityOfService;

    /// <summary>What the publish costs in memory while it is under way.</summary>
    public int Bytes { get; init; }

    public bool IsDone { get; set; }

    public byte Code { get; set; }

    public string? Reason { get; set; }

    /// <summary>Of QoS 2: what was published, to tell a repetition on a later connection by.</summary>
    public ulong ContentHash { get; init; }

    /// <summary>Another node answers it, and knows until PUBREL that it was received.</summary>
    public bool IsRelayed { get; init; }

    /// <summary>The rule that refused it, when one did at the log.</summary>
    public PublishRefusal? Refusal { get; set; }

    public long Seq { get; set; }

    /// <summary>Null: nothing was stored.</summary>
    public string? Epoch { get; set; }

    /// <summary>The store failed: MQTT 5 is told, 3.1.1 is not acknowledged at all.</summary>
    public bool FailedWithoutWord { get; set; }
}
