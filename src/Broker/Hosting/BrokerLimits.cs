namespace WebMessenger.Broker.Hosting;

/// <summary>`WebMessenger:Limits`. 0 means: no limit.</summary>
internal sealed record BrokerLimits
{
    /// <summary>Unicode scalar values of a message.</summary>
    public int TextLength { get; init; } = 4000;

    public int PayloadBytes { get; init; } = 65536;

    public int FiltersPerClient { get; init; } = 100;

    /// <summary>Publishes of an account, all its clients together.</summary>
    public int PublishPerSecond { get; init; } = 20;

    public int PublishBurst { get; init; } = 60;

    /// <summary>Connections of every kind, with and without MQTT, all addresses together; 0: as many as the process has handles for.</summary>
    public int Sockets { get; init; }

    /// <summary>Connections of every kind that come from one address, as the operating system sees it. 0 also ends the share that an address has of the free places.</summary>
    public int SocketsPerAddress { get; init; } = 2000;

    /// <summary>New ones of these; twenty seconds' worth at once.</summary>
    public int SocketsPerSecondPerAddress { get; init; } = 50;

    public int ConnectsPerSecondPerAddress { get; init; } = 50;

    public int ConnectionsPerAddress { get; init; } = 500;

    public int ConnectionsPerAccount { get; init; } = 100;

    /// <summary>Clients of an account that are kept while they are away.</summary>
    public int DurableClientsPerAccount { get; init; } = 20;

    /// <summary>Rooms that an account has made.</summary>
    public int RoomsPerAccount { get; init; } = 50;

    /// <summary>Publishes under way in one direction of one client: MQTT's Receive Maximum, ours and at most the client's. 1 to 1,024.</summary>
    public int UnacknowledgedPerClient { get; init; } = 128;

    /// <summary>Calls of the HTTP API that an account makes, by all its pages and programs; ten seconds' worth at once.</summary>
    public int RequestsPerSecond { get; init; } = 20;

    /// <summary>The same for an address, of those that are not signed in.</summary>
    public int RequestsPerSecondPerAddress { get; init; } = 50;

    public int SignInsPerMinutePerAddress { get; init; } = 20;

    public int RegistrationsPerHourPerAddress { get; init; } = 20;

    /// <summary>The longest packet after CONNECT: the payload and what a PUBLISH may carry around it.</summary>
    public int PacketBytes => PayloadBytes == 0 ? 256 * 1024 * 1024 - 1 : PayloadBytes + 8192;
}
