namespace WebMessenger.Broker.Settings;

/// <summary>`WebMessenger:Limits`. 0 means: no limit, where nothing else is said.</summary>
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

    /// <summary>
    /// Packets of a client that bring nothing: pings, and acknowledgements of what was not delivered or sent.
    /// Beyond it the client is not read on for a while.
    /// </summary>
    public int IdlePacketsPerSecond { get; init; } = 50;

    /// <summary>Frames of a WebSocket, each at least a byte of MQTT. What is beyond comes later.</summary>
    public int FramesPerSecond { get; init; } = 5_000;

    /// <summary>Publishes of an account, all its clients together.</summary>
    public int PublishPerSecond { get; init; } = 20;

    public int PublishBurst { get; init; } = 60;

    /// <summary>What an account stores in a day, with all that keeping it takes: messages, whispers, joins and leaves.</summary>
    public int StoredBytesPerDayPerAccount { get; init; } = 50 << 20;

    public int StoredBytesPerDayPerGuest { get; init; } = 1 << 20;

    /// <summary>
    /// What guests, and accounts younger than a day, store in a day from one address, all together. An IPv6 /48: four times as much.
    /// </summary>
    public int StoredBytesPerDayPerAddress { get; init; } = 10 << 20;

    /// <summary>
    /// Below this, or its share of the disk if that is less, only what takes rights away is stored. 0: as long as there is room.
    /// </summary>
    public int FreeDiskMegabytes { get; init; } = 1024;

    /// <summary>Of the disk, in hundredths. 0: <see cref="FreeDiskMegabytes"/> alone counts.</summary>
    public int FreeDiskPercent { get; init; } = 5;

    /// <summary>
    /// Connections of every kind, with and without MQTT, all addresses together; 0: as many as the process has handles for.
    /// </summary>
    public int Sockets { get; init; }

    /// <summary>
    /// Connections of every kind that come from one address, as the operating system sees it.
    /// 0 also ends the share that an address has of the free places.
    /// </summary>
    public int SocketsPerAddress { get; init; } = 2000;

    /// <summary>New ones of these; forty seconds' worth at once.</summary>
    public int SocketsPerSecondPerAddress { get; init; } = 50;

    /// <summary>Long answers of the HTTP API that an account is taking at once.</summary>
    public int AnswersPerAccount { get; init; } = 8;

    /// <summary>The same of a guest.</summary>
    public int AnswersPerGuest { get; init; } = 2;

    public int AnswersPerAddress { get; init; } = 32;

    /// <summary>HTTP requests of every kind that an address has under way; a quarter of all at most.</summary>
    public int RequestsUnderWayPerAddress { get; init; } = 100;

    /// <summary>
    /// The same of all addresses together. 0: as many of 128 KiB as an eighth of the process's memory holds, 64 to 2,048.
    /// </summary>
    public int RequestsUnderWay { get; init; }

    public int ConnectsPerSecondPerAddress { get; init; } = 50;

    public int ConnectionsPerAddress { get; init; } = 500;

    /// <summary>By all limited tokens of the account together half of them.</summary>
    public int ConnectionsPerAccount { get; init; } = 100;

    /// <summary>Clients of an account that are kept while they are away; of its limited tokens half as many.</summary>
    public int DurableClientsPerAccount { get; init; } = 20;

    /// <summary>Rooms that an account has: made, or had handed over.</summary>
    public int RoomsPerAccount { get; init; } = 50;

    /// <summary>How often a day an account may make a room, or try an id that is taken.</summary>
    public int RoomTriesPerDay { get; init; } = 100;

    /// <summary>How often a day an account may invite somebody, or a name that is nobody's.</summary>
    public int InvitationsPerDay { get; init; } = 20;

    /// <summary>Invitations that wait for an account's answer; further ones are dropped.</summary>
    public int OpenInvitations { get; init; } = 50;

    /// <summary>
    /// Publishes under way in one direction of one client: MQTT's Receive Maximum, ours and at most the client's. 1 to 1,024.
    /// </summary>
    public int UnacknowledgedPerClient { get; init; } = 128;

    /// <summary>Calls of the HTTP API by one login session, and five times as many of its account; ten seconds' worth at once.</summary>
    public int RequestsPerSecond { get; init; } = 20;

    /// <summary>The same for an address, of those that are not signed in.</summary>
    public int RequestsPerSecondPerAddress { get; init; } = 50;

    /// <summary>Megabytes that may wait for clients to read, all together. 0: an eighth of the process's memory, 32 at most.</summary>
    public int OutgoingMegabytes { get; init; }

    /// <summary>
    /// Megabytes of publishes that are taken and not on disk, all together. 0: an eighth of the process's memory, 64 at most.
    /// </summary>
    public int IncomingMegabytes { get; init; }

    public int SignInsPerMinutePerAddress { get; init; } = 20;

    public int GuestsPerMinutePerAddress { get; init; } = 20;

    public int RegistrationsPerHourPerAddress { get; init; } = 20;

    /// <summary>Wrong ones for one user name or e-mail address, from addresses that its owner does not use.</summary>
    public int WrongPasswordsPerHourPerAccount { get; init; } = 100;

    /// <summary>User names and e-mail addresses that an account tries to take.</summary>
    public int AccountTriesPerDay { get; init; } = 20;

    /// <summary>In 30 days.</summary>
    public int UserNameChangesPerMonth { get; init; } = 3;

    /// <summary>That an account has and has had.</summary>
    public int UserNamesPerAccount { get; init; } = 10;

    public int DisplayNameChangesPerHour { get; init; } = 10;

    /// <summary>Of browsers.</summary>
    public int LoginSessionsPerAccount { get; init; } = 50;

    public int TokensPerAccount { get; init; } = 100;

    /// <summary>The longest packet after CONNECT: the payload and what a PUBLISH may carry around it.</summary>
    public int PacketBytes => PayloadBytes == 0 ? 256 * 1024 * 1024 - 1 : PayloadBytes + 8192;
}
