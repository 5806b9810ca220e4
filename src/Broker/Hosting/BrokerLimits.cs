namespace WebMessenger.Broker.Hosting;

/// <summary>`WebMessenger:Limits`. 0 means: no limit.</summary>
internal sealed record BrokerLimits
{
    /// <summary>Unicode scalar values of a message.</summary>
    public int TextLength { get; init; } = 4000;

    public int PayloadBytes { get; init; } = 65536;

    public int FiltersPerClient { get; init; } = 100;

    /// <summary>
    /// Filters that an account subscribes to and gives up, all its clients together. What is beyond is answered later, not refused.
    /// </summary>
    public int SubscribePerSecond { get; init; } = 200;

    /// <summary>Bytes of history that an account is brought by `after` and `last`. What is beyond comes later.</summary>
    public int CatchUpBytesPerSecond { get; init; } = 4 * 1024 * 1024;

    /// <summary>Publishes of an account, all its clients together.</summary>
    public int PublishPerSecond { get; init; } = 20;

    public int PublishBurst { get; init; } = 60;

    /// <summary>Long answers of the HTTP API that an account is taking at once.</summary>
    public int AnswersPerAccount { get; init; } = 8;

    public int AnswersPerAddress { get; init; } = 32;

    public int ConnectsPerSecondPerAddress { get; init; } = 50;

    public int ConnectionsPerAddress { get; init; } = 500;

    public int ConnectionsPerAccount { get; init; } = 100;

    /// <summary>Clients of an account that are kept while they are away.</summary>
    public int DurableClientsPerAccount { get; init; } = 20;

    /// <summary>Rooms that an account has made.</summary>
    public int RoomsPerAccount { get; init; } = 50;

    /// <summary>Publishes under way in one direction of one client: MQTT's Receive Maximum, ours and at most the client's. 1 to 1,024.</summary>
    public int UnacknowledgedPerClient { get; init; } = 128;

    public int SignInsPerMinutePerAddress { get; init; } = 20;

    public int RegistrationsPerHourPerAddress { get; init; } = 20;

    /// <summary>The longest packet after CONNECT: the payload and what a PUBLISH may carry around it.</summary>
    public int PacketBytes => PayloadBytes == 0 ? 256 * 1024 * 1024 - 1 : PayloadBytes + 8192;
}
