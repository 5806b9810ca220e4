namespace WebMessenger.Broker.Settings;

/// <summary>`WebMessenger:Limits`. 0 means: no limit, where nothing else is said.</summary>
/// <remarks>What can be set is read at each use: administrators change it while the program runs. One thread writes, any reads.</remarks>
internal sealed record BrokerLimits
{
    /// <summary>Unicode scalar values of a message.</summary>
    public int TextLength { get; set; } = 4000;

    public int PayloadBytes { get; init; } = 65536;

    /// <summary>Bytes of a payload on a data topic. 0: what MQTT itself allows, and a little less.</summary>
    public int DataPayloadBytes { get; init; } = 1 << 20;

    /// <summary>Publishes on the data topics of a room, of everybody together. What is beyond is answered later, not refused.</summary>
    public int DataPublishPerSecond { get; init; } = 2_000;

    public int DataPublishBurst { get; init; } = 10_000;

    /// <summary>Connections by mounted tokens that a room has at once.</summary>
    public int DataConnectionsPerRoom { get; init; } = 1_000;

    public int FiltersPerClient { get; set; } = 100;

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
    public int PublishPerSecond { get; set; } = 20;

    public int PublishBurst { get; set; } = 60;

    /// <summary>What an account stores in a day, with all that keeping it takes: messages, whispers, joins and leaves.</summary>
    public int StoredBytesPerDayPerAccount { get; set; } = 50 << 20;

    public int StoredBytesPerDayPerGuest { get; set; } = 1 << 20;

    /// <summary>
    /// What guests, and accounts younger than a day, store in a day from one address, all together. An IPv6 /48: four times as much.
    /// </summary>
    public int StoredBytesPerDayPerAddress { get; init; } = 10 << 20;

    /// <summary>
    /// Bytes of what an account says on data topics that are stored in a day: by which retained values grow, and what is kept for clients
    /// that are away.
    /// </summary>
    public int DataStoredBytesPerDayPerAccount { get; init; } = 256 << 20;

    public int DataStoredBytesPerDayPerGuest { get; init; } = 1 << 20;

    /// <summary>Of all guests and new accounts at one address together.</summary>
    public int DataStoredBytesPerDayPerAddress { get; init; } = 20 << 20;

    /// <summary>
    /// Below this, or its share of the disk if that is less, only what takes rights away is stored. 0: as long as there is room.
    /// </summary>
    public int FreeDiskMegabytes { get; set; } = 1024;

    /// <summary>Of the disk, in hundredths. 0: <see cref="FreeDiskMegabytes"/> alone counts.</summary>
    public int FreeDiskPercent { get; set; } = 5;

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
    public int ConnectionsPerAccount { get; set; } = 100;

    /// <summary>Clients of an account that are kept while they are away; of its limited tokens half as many.</summary>
    public int DurableClientsPerAccount { get; set; } = 20;

    /// <summary>Rooms that an account has: made, or had handed over.</summary>
    public int RoomsPerAccount { get; set; } = 50;

    /// <summary>Messages that are pinned in a room at once.</summary>
    public int PinsPerRoom { get; set; } = 50;

    /// <summary>People who are banned or muted in a room at once.</summary>
    public int BansPerRoom { get; set; } = 1_000;

    /// <summary>Of who did what to whom in a room so many are kept, the newest; looked at once a day.</summary>
    public int AuditPerRoom { get; set; } = 10_000;

    /// <summary>For so many days.</summary>
    public int AuditDays { get; set; } = 180;

    /// <summary>
    /// How often a day an account takes rights away from others (kicks, bans and mutes them, lowers roles) although it has stored as much
    /// as it may, or the disk is nearly full.
    /// </summary>
    public int ActsBeyondQuotaPerDay { get; init; } = 200;

    /// <summary>Rooms that are written into files at once, each for another account.</summary>
    public int ExportsAtOnce { get; init; } = 4;

    /// <summary>Bytes of a room that are written into its file, before they are packed: what is said meanwhile has the rest.</summary>
    public int ExportBytesPerSecond { get; init; } = 8 << 20;

    /// <summary>Rooms that are made of files at once, each for another account.</summary>
    public int ImportsAtOnce { get; init; } = 2;

    /// <summary>Of such a file, as it comes.</summary>
    public int ImportMegabytes { get; init; } = 64;

    /// <summary>Of what is in it, unpacked.</summary>
    public int ImportUnpackedMegabytes { get; init; } = 512;

    /// <summary>Lines of each part of it, with those that are left out.</summary>
    public int ImportEvents { get; init; } = 1_000_000;

    /// <summary>Bytes of such a file, unpacked, that are read for each.</summary>
    public int ImportBytesPerSecond { get; init; } = 8 << 20;

    /// <summary>Files that an account sends a day, whatever becomes of them.</summary>
    public int ImportsPerDay { get; init; } = 20;

    /// <summary>Steps of 500 events in which what is kept no more goes, of all rooms together; 0: as fast as the disk takes them.</summary>
    public int RetentionStepsPerSecond { get; set; } = 20;

    /// <summary>Messages that are deleted with who is put out, of all rooms together; 0: as fast as the disk takes them.</summary>
    public int DeletionsPerSecond { get; init; } = 200;

    /// <summary>Values that are retained in a room.</summary>
    public int RetainedPerRoom { get; set; } = 10_000;

    /// <summary>Their bytes, with topics and properties.</summary>
    public int RetainedMegabytesPerRoom { get; init; } = 64;

    /// <summary>Topics of a room whose numbers of the last day are kept. 0: none.</summary>
    public int SparklinesPerRoom { get; init; } = 200;

    /// <summary>Of all rooms; what a sixteenth of the process's memory holds at most, which is what 0 says alone.</summary>
    public int Sparklines { get; init; } = 20_000;

    /// <summary>What devices have said that is kept in a room for clients that are away: entries, the oldest dropped.</summary>
    public int DataLogPerRoom { get; init; } = 100_000;

    /// <summary>Their bytes.</summary>
    public int DataLogMegabytesPerRoom { get; init; } = 64;

    /// <summary>How old they become.</summary>
    public int DataLogHours { get; init; } = 24;

    /// <summary>Clients by mounted tokens of a room that are kept while they are away.</summary>
    public int DataKeptClientsPerRoom { get; init; } = 500;

    /// <summary>
    /// Of the mounted connections and the kept clients of a room, in hundredths, what one account may have, one at least. 0: all.
    /// </summary>
    public int DataAccountPercent { get; init; } = 50;

    /// <summary>Groups of shared subscriptions (`$share`) to a room's data topics.</summary>
    public int DataGroupsPerRoom { get; init; } = 500;

    /// <summary>Of them one account's.</summary>
    public int DataGroupsPerRoomAndAccount { get; init; } = 50;

    /// <summary>
    /// Deliveries that the members of a group together have and have not acknowledged, at most 65,535. What is beyond waits in the room's
    /// data log.
    /// </summary>
    public int DataGroupUnacknowledged { get; init; } = 8_192;

    /// <summary>
    /// Megabytes of retained values in memory, of all rooms together. Beyond it rooms that nobody asks for are let go, and nothing more
    /// is taken in. 0: an eighth of the process's memory, 512 at most.
    /// </summary>
    public int RetainedMegabytes { get; init; }

    /// <summary>Of that memory, in hundredths, what the rooms of one account may have. 0: all.</summary>
    public int RetainedAccountPercent { get; init; } = 25;

    /// <summary>Devices of all rooms whose packets are traced at once; of a room one.</summary>
    public int DeviceTraces { get; init; } = 20;

    /// <summary>Of them those that one account has begun.</summary>
    public int DeviceTracesPerAccount { get; init; } = 2;

    /// <summary>Streams of bytes to and from other nodes: one for each device that came to another one, and for each client that hears
    /// devices. An account, and all guests of an address together, has no more than are free.</summary>
    public int NodePipes { get; init; } = 20_000;

    /// <summary>Packets of a trace; further ones are counted.</summary>
    public int DeviceTracePackets { get; init; } = 1_000;

    /// <summary>Hooks of a room, by which programs elsewhere speak in it.</summary>
    public int HooksPerRoom { get; set; } = 20;

    /// <summary>What one hook says.</summary>
    public int HookPostsPerSecond { get; init; } = 1;

    public int HookPostBurst { get; init; } = 20;

    /// <summary>Bytes of what is posted to a hook.</summary>
    public int HookBodyBytes { get; init; } = 65536;

    /// <summary>Rules of a room, which say there what its devices do.</summary>
    public int RulesPerRoom { get; set; } = 20;

    /// <summary>Topics that a rule knows. It does not hear of others.</summary>
    public int TopicsPerRule { get; init; } = 200;

    /// <summary>What one rule says, at once, too.</summary>
    public int RuleSaysPerMinute { get; init; } = 6;

    /// <summary>What all rules of a room say together.</summary>
    public int RuleSaysPerMinutePerRoom { get; init; } = 30;

    /// <summary>Rules that an account makes, changes or tests, which look at what is retained; five at once at least.</summary>
    public int RuleTestsPerSecond { get; init; } = 1;

    /// <summary>
    /// Bytes of publishes that the rules of a room look at, two seconds' worth at once: what is parsed for the first of them counts whole,
    /// for each further an eighth. Beyond it they hear of each topic the newest, later.
    /// </summary>
    public int RuleBytesPerSecondPerRoom { get; init; } = 4 << 20;

    /// <summary>The same of all rooms of an account together.</summary>
    public int RuleBytesPerSecondPerAccount { get; init; } = 8 << 20;

    /// <summary>Webhooks of a room: addresses elsewhere that are told what is said there.</summary>
    public int WebhooksPerRoom { get; set; } = 5;

    /// <summary>Those that an account has made, or switched on last, in all rooms.</summary>
    public int WebhooksPerAccount { get; set; } = 20;

    /// <summary>Webhooks that are called at once, each by a connection of its own; the others wait in turn. 1 to 256.</summary>
    public int WebhooksAtOnce { get; init; } = 32;

    /// <summary>Of them one account's.</summary>
    public int WebhooksAtOncePerAccount { get; init; } = 4;

    /// <summary>Seconds that an address elsewhere has to take an event. 0: a minute.</summary>
    public int WebhookSeconds { get; init; } = 10;

    /// <summary>Hours after which one that takes nothing is told nothing more. 0: never.</summary>
    public int WebhookFailureHours { get; init; } = 24;

    /// <summary>Notices that an account's log keeps; a few more for a while.</summary>
    public int NoticesPerAccount { get; set; } = 1000;

    /// <summary>Notices that one account causes another in a day: it cannot push out those of all others at once.</summary>
    public int NoticesPerSenderPerDay { get; init; } = 100;

    /// <summary>How old they become: what is older goes with the next that comes.</summary>
    public int NoticeDays { get; set; } = 90;

    /// <summary>How often a day an account may make a room, or try an id that is taken.</summary>
    public int RoomTriesPerDay { get; init; } = 100;

    /// <summary>How often a day an account may invite somebody, or a name that is nobody's.</summary>
    public int InvitationsPerDay { get; init; } = 20;

    /// <summary>Invite links of a room that are not over. How many an account makes a day: <see cref="InvitationsPerDay"/>.</summary>
    public int InvitesPerRoom { get; set; } = 50;

    /// <summary>How often a day an account asks to be let into a room.</summary>
    public int JoinRequestsPerDay { get; init; } = 20;

    /// <summary>Of who asks to be let into a room so many wait for an answer.</summary>
    public int JoinRequestsPerRoom { get; init; } = 200;

    /// <summary>Messages that an account reports a day.</summary>
    public int ReportsPerDay { get; init; } = 20;

    /// <summary>Reports that a room keeps, those that are decided included; guests have made half of them at most.</summary>
    public int ReportsPerRoom { get; init; } = 200;

    /// <summary>Invitations that wait for an account's answer; further ones are dropped.</summary>
    public int OpenInvitations { get; set; } = 50;

    /// <summary>
    /// Publishes under way in one direction of one client: MQTT's Receive Maximum, ours and at most the client's. 1 to 1,024.
    /// </summary>
    public int UnacknowledgedPerClient { get; init; } = 128;

    /// <summary>Calls of the HTTP API by one login session, and five times as many of its account; ten seconds' worth at once.</summary>
    public int RequestsPerSecond { get; init; } = 20;

    /// <summary>The same for an address, of those that are not signed in.</summary>
    public int RequestsPerSecondPerAddress { get; init; } = 50;

    /// <summary>Searches of an account; three at once at least.</summary>
    public int SearchesPerSecond { get; init; } = 1;

    /// <summary>Of all accounts together.</summary>
    public int SearchesAtOnce { get; init; } = 4;

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

    /// <summary>Accounts and logins, of each limit, that a node tells the others of in a second.</summary>
    public int UsesToldPerSecond { get; init; } = 10_000;

    /// <summary>Of browsers.</summary>
    public int LoginSessionsPerAccount { get; init; } = 50;

    public int TokensPerAccount { get; init; } = 100;

    /// <summary>People whom an account ignores.</summary>
    public int IgnoredPerAccount { get; set; } = 1_000;

    /// <summary>Messages that an account has saved.</summary>
    public int SavedPerAccount { get; set; } = 1_000;

    /// <summary>The longest packet after CONNECT: the payload and what a PUBLISH may carry around it.</summary>
    public int PacketBytes => WithHead(PayloadBytes);

    /// <summary>The same for clients that may write data.</summary>
    public int DataPacketBytes => Math.Max(PacketBytes, WithHead(DataPayloadBytes));

    /// <summary>What one account may have of a room's mounted connections or kept clients.</summary>
    /// <param name="most">Of all accounts, 0: no limit.</param>
    /// <returns>0: no limit.</returns>
    public int DataShareOf(int most) => DataAccountPercent == 0 ? most : most == 0 ? 0 : (int)Math.Max(1, (long)most * DataAccountPercent / 100);

    private static int WithHead(int payload) => payload == 0 ? 256 * 1024 * 1024 - 1 : payload + 8192;
}
