using System.Globalization;
using System.Net;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Settings;

/// <summary>Reads and checks the settings. A bad one is a <see cref="StartupException"/> that names its key.</summary>
internal static class SettingsReader
{
    private static readonly HashSet<string> Keys = new(
        [
            "DataFolder", "Mqtt:Port", "Mqtt:Address", "Mqtt:AllowPlainPasswords", "Mqtt:MaximumKeepAlive", "Mqtt:SysInterval", "Guests:Enabled", "Registration:Enabled", "Rooms:Default", "AllowedOrigins",
            "Mqtt:Tls:Port", "Mqtt:Tls:Address", "Mqtt:Tls:Certificate", "Mqtt:Tls:Key", "Mqtt:Tls:Password", "TrustedProxies", "Webhooks:AllowedNetworks", "BasePath", "StrictTransportDays", "PurgeHour", "RetentionEveryMinutes", "RetentionDaysAtMost",
            "Mqtt:PublicHost", "Mqtt:PublicPort", "Mqtt:Tls:PublicPort", "Mqtt:Tls:ClientCertificates",
            .. ClusterSettings.Keys, .. typeof(BrokerLimits).GetProperties().Where(property => property.CanWrite).Select(property => "Limits:" + property.Name),
        ],
        StringComparer.OrdinalIgnoreCase);

    // What follows is the number of an entry.
    private static readonly string[] Lists = ["Rooms:Default:", "AllowedOrigins:", "TrustedProxies:", "Webhooks:AllowedNetworks:"];

    // Settings of the server framework and of the log, as they may be typed; those that end in a colon have others below them.
    private static readonly string[] Others =
        ["Urls", "AllowedHosts", "Environment", "ContentRoot", "ApplicationName", "ForwardedHeaders_Enabled", "Serilog:", "Kestrel:", "Logging:"];

    public static BrokerSettings Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("WebMessenger");
        RefuseMisspeltSection(configuration);
        RefuseUnknown(section);
        return new BrokerSettings
        {
            DataFolder = Folder(section),
            BasePath = Base(section),
            MqttPort = Number(section, "Mqtt:Port", 1883, -1, 65535),
            MqttAddress = Address(section, "Mqtt:Address"),
            MqttPublicHost = Host(section, "Mqtt:PublicHost"),
            MqttPublicPort = Number(section, "Mqtt:PublicPort", 0, 0, 65535),
            Tls = Tls(section),
            TrustedProxies = Networks(section, "TrustedProxies"),
            WebhookNetworks = Networks(section, "Webhooks:AllowedNetworks"),
            AllowPlainPasswords = Flag(section, "Mqtt:AllowPlainPasswords", false),
            MaximumKeepAlive = (ushort)Number(section, "Mqtt:MaximumKeepAlive", 300, 10, ushort.MaxValue),
            SysInterval = Number(section, "Mqtt:SysInterval", 10, 0, 3_600),
            GuestsEnabled = Flag(section, "Guests:Enabled", true),
            RegistrationEnabled = Flag(section, "Registration:Enabled", true),
            DefaultRooms = Rooms(section),
            AllowedOrigins = Origins(section),
            StrictTransportDays = Number(section, "StrictTransportDays", 180, 0, 730),
            PurgeHour = Number(section, "PurgeHour", 3, -1, 23),
            RetentionEveryMinutes = Number(section, "RetentionEveryMinutes", 60, 1, 1_440),
            RetentionDaysAtMost = Number(section, "RetentionDaysAtMost", 0, 0, 36_500),
            Cluster = ClusterSettings.Read(section),
            Limits = Limits(section.GetSection("Limits")),
        };
    }

    private static BrokerLimits Limits(IConfigurationSection section)
    {
        BrokerLimits defaults = new();
        int Limit(string key, int fallback, int maximum = int.MaxValue) => Number(section, key, fallback, 0, maximum);
        return new BrokerLimits
        {
            TextLength = Limit(nameof(BrokerLimits.TextLength), defaults.TextLength),
            PayloadBytes = Limit(nameof(BrokerLimits.PayloadBytes), defaults.PayloadBytes, 256 * 1024 * 1024 - 16384),
            DataPayloadBytes = Limit(nameof(BrokerLimits.DataPayloadBytes), defaults.DataPayloadBytes, 256 * 1024 * 1024 - 16384),
            DataPublishPerSecond = Limit(nameof(BrokerLimits.DataPublishPerSecond), defaults.DataPublishPerSecond),
            DataPublishBurst = Number(section, nameof(BrokerLimits.DataPublishBurst), defaults.DataPublishBurst, 1, int.MaxValue),
            DataConnectionsPerRoom = Limit(nameof(BrokerLimits.DataConnectionsPerRoom), defaults.DataConnectionsPerRoom),
            DataKeptClientsPerRoom = Limit(nameof(BrokerLimits.DataKeptClientsPerRoom), defaults.DataKeptClientsPerRoom),
            DataLogPerRoom = Limit(nameof(BrokerLimits.DataLogPerRoom), defaults.DataLogPerRoom),
            DataLogMegabytesPerRoom = Limit(nameof(BrokerLimits.DataLogMegabytesPerRoom), defaults.DataLogMegabytesPerRoom, 1024 * 1024),
            DataLogHours = Limit(nameof(BrokerLimits.DataLogHours), defaults.DataLogHours, 24 * 366),
            DataAccountPercent = Limit(nameof(BrokerLimits.DataAccountPercent), defaults.DataAccountPercent, 100),
            DataGroupsPerRoom = Limit(nameof(BrokerLimits.DataGroupsPerRoom), defaults.DataGroupsPerRoom),
            DataGroupsPerRoomAndAccount = Limit(nameof(BrokerLimits.DataGroupsPerRoomAndAccount), defaults.DataGroupsPerRoomAndAccount),
            DataGroupUnacknowledged = Limit(nameof(BrokerLimits.DataGroupUnacknowledged), defaults.DataGroupUnacknowledged, ushort.MaxValue),
            FiltersPerClient = Limit(nameof(BrokerLimits.FiltersPerClient), defaults.FiltersPerClient),
            IdlePacketsPerSecond = Limit(nameof(BrokerLimits.IdlePacketsPerSecond), defaults.IdlePacketsPerSecond),
            FramesPerSecond = Limit(nameof(BrokerLimits.FramesPerSecond), defaults.FramesPerSecond),
            SubscribePerSecond = Limit(nameof(BrokerLimits.SubscribePerSecond), defaults.SubscribePerSecond),
            CatchUpBytesPerSecond = Limit(nameof(BrokerLimits.CatchUpBytesPerSecond), defaults.CatchUpBytesPerSecond),
            PublishPerSecond = Limit(nameof(BrokerLimits.PublishPerSecond), defaults.PublishPerSecond),
            PublishBurst = Number(section, nameof(BrokerLimits.PublishBurst), defaults.PublishBurst, 1, int.MaxValue),
            StoredBytesPerDayPerAccount = Limit(nameof(BrokerLimits.StoredBytesPerDayPerAccount), defaults.StoredBytesPerDayPerAccount),
            StoredBytesPerDayPerGuest = Limit(nameof(BrokerLimits.StoredBytesPerDayPerGuest), defaults.StoredBytesPerDayPerGuest),
            StoredBytesPerDayPerAddress = Limit(nameof(BrokerLimits.StoredBytesPerDayPerAddress), defaults.StoredBytesPerDayPerAddress),
            DataStoredBytesPerDayPerAccount = Limit(nameof(BrokerLimits.DataStoredBytesPerDayPerAccount), defaults.DataStoredBytesPerDayPerAccount),
            DataStoredBytesPerDayPerGuest = Limit(nameof(BrokerLimits.DataStoredBytesPerDayPerGuest), defaults.DataStoredBytesPerDayPerGuest),
            DataStoredBytesPerDayPerAddress = Limit(nameof(BrokerLimits.DataStoredBytesPerDayPerAddress), defaults.DataStoredBytesPerDayPerAddress),
            FreeDiskMegabytes = Limit(nameof(BrokerLimits.FreeDiskMegabytes), defaults.FreeDiskMegabytes),
            FreeDiskPercent = Limit(nameof(BrokerLimits.FreeDiskPercent), defaults.FreeDiskPercent, 50),
            Sockets = Limit(nameof(BrokerLimits.Sockets), defaults.Sockets),
            SocketsPerAddress = Limit(nameof(BrokerLimits.SocketsPerAddress), defaults.SocketsPerAddress),
            SocketsPerSecondPerAddress = Limit(nameof(BrokerLimits.SocketsPerSecondPerAddress), defaults.SocketsPerSecondPerAddress),
            AnswersPerAccount = Limit(nameof(BrokerLimits.AnswersPerAccount), defaults.AnswersPerAccount),
            AnswersPerGuest = Limit(nameof(BrokerLimits.AnswersPerGuest), defaults.AnswersPerGuest),
            AnswersPerAddress = Limit(nameof(BrokerLimits.AnswersPerAddress), defaults.AnswersPerAddress),
            RequestsUnderWayPerAddress = Limit(nameof(BrokerLimits.RequestsUnderWayPerAddress), defaults.RequestsUnderWayPerAddress),
            RequestsUnderWay = Limit(nameof(BrokerLimits.RequestsUnderWay), defaults.RequestsUnderWay),
            ConnectsPerSecondPerAddress = Limit(nameof(BrokerLimits.ConnectsPerSecondPerAddress), defaults.ConnectsPerSecondPerAddress),
            ConnectionsPerAddress = Limit(nameof(BrokerLimits.ConnectionsPerAddress), defaults.ConnectionsPerAddress),
            ConnectionsPerAccount = Limit(nameof(BrokerLimits.ConnectionsPerAccount), defaults.ConnectionsPerAccount),
            DurableClientsPerAccount = Limit(nameof(BrokerLimits.DurableClientsPerAccount), defaults.DurableClientsPerAccount),
            NoticesPerAccount = Limit(nameof(BrokerLimits.NoticesPerAccount), defaults.NoticesPerAccount),
            NoticesPerSenderPerDay = Limit(nameof(BrokerLimits.NoticesPerSenderPerDay), defaults.NoticesPerSenderPerDay),
            NoticeDays = Limit(nameof(BrokerLimits.NoticeDays), defaults.NoticeDays, 36_500),
            BansPerRoom = Limit(nameof(BrokerLimits.BansPerRoom), defaults.BansPerRoom),
            AuditPerRoom = Limit(nameof(BrokerLimits.AuditPerRoom), defaults.AuditPerRoom),
            AuditDays = Limit(nameof(BrokerLimits.AuditDays), defaults.AuditDays, 36_500),
            ActsBeyondQuotaPerDay = Limit(nameof(BrokerLimits.ActsBeyondQuotaPerDay), defaults.ActsBeyondQuotaPerDay),
            PinsPerRoom = Limit(nameof(BrokerLimits.PinsPerRoom), defaults.PinsPerRoom),
            ExportsAtOnce = Limit(nameof(BrokerLimits.ExportsAtOnce), defaults.ExportsAtOnce),
            ExportBytesPerSecond = Limit(nameof(BrokerLimits.ExportBytesPerSecond), defaults.ExportBytesPerSecond),
            ImportsAtOnce = Limit(nameof(BrokerLimits.ImportsAtOnce), defaults.ImportsAtOnce),
            ImportMegabytes = Limit(nameof(BrokerLimits.ImportMegabytes), defaults.ImportMegabytes, 2047),
            ImportUnpackedMegabytes = Limit(nameof(BrokerLimits.ImportUnpackedMegabytes), defaults.ImportUnpackedMegabytes, 1024 * 1024),
            ImportEvents = Limit(nameof(BrokerLimits.ImportEvents), defaults.ImportEvents),
            ImportBytesPerSecond = Limit(nameof(BrokerLimits.ImportBytesPerSecond), defaults.ImportBytesPerSecond),
            ImportsPerDay = Limit(nameof(BrokerLimits.ImportsPerDay), defaults.ImportsPerDay),
            RetentionStepsPerSecond = Limit(nameof(BrokerLimits.RetentionStepsPerSecond), defaults.RetentionStepsPerSecond, 1_000),
            DeletionsPerSecond = Limit(nameof(BrokerLimits.DeletionsPerSecond), defaults.DeletionsPerSecond, 10_000),
            RetainedPerRoom = Limit(nameof(BrokerLimits.RetainedPerRoom), defaults.RetainedPerRoom),
            SparklinesPerRoom = Limit(nameof(BrokerLimits.SparklinesPerRoom), defaults.SparklinesPerRoom),
            Sparklines = Limit(nameof(BrokerLimits.Sparklines), defaults.Sparklines),
            RetainedMegabytesPerRoom = Limit(nameof(BrokerLimits.RetainedMegabytesPerRoom), defaults.RetainedMegabytesPerRoom, 1024 * 1024),
            RetainedMegabytes = Limit(nameof(BrokerLimits.RetainedMegabytes), defaults.RetainedMegabytes, 1024 * 1024),
            RetainedAccountPercent = Limit(nameof(BrokerLimits.RetainedAccountPercent), defaults.RetainedAccountPercent, 100),
            NodePipes = Limit(nameof(BrokerLimits.NodePipes), defaults.NodePipes),
            DeviceTraces = Limit(nameof(BrokerLimits.DeviceTraces), defaults.DeviceTraces),
            DeviceTracesPerAccount = Limit(nameof(BrokerLimits.DeviceTracesPerAccount), defaults.DeviceTracesPerAccount),
            DeviceTracePackets = Limit(nameof(BrokerLimits.DeviceTracePackets), defaults.DeviceTracePackets),
            HooksPerRoom = Limit(nameof(BrokerLimits.HooksPerRoom), defaults.HooksPerRoom),
            HookPostsPerSecond = Limit(nameof(BrokerLimits.HookPostsPerSecond), defaults.HookPostsPerSecond),
            HookPostBurst = Limit(nameof(BrokerLimits.HookPostBurst), defaults.HookPostBurst),
            HookBodyBytes = Limit(nameof(BrokerLimits.HookBodyBytes), defaults.HookBodyBytes, 16 * 1024 * 1024),
            RulesPerRoom = Limit(nameof(BrokerLimits.RulesPerRoom), defaults.RulesPerRoom),
            TopicsPerRule = Limit(nameof(BrokerLimits.TopicsPerRule), defaults.TopicsPerRule),
            RuleSaysPerMinute = Limit(nameof(BrokerLimits.RuleSaysPerMinute), defaults.RuleSaysPerMinute),
            RuleSaysPerMinutePerRoom = Limit(nameof(BrokerLimits.RuleSaysPerMinutePerRoom), defaults.RuleSaysPerMinutePerRoom),
            RuleTestsPerSecond = Limit(nameof(BrokerLimits.RuleTestsPerSecond), defaults.RuleTestsPerSecond, 1000),
            RuleBytesPerSecondPerRoom = Limit(nameof(BrokerLimits.RuleBytesPerSecondPerRoom), defaults.RuleBytesPerSecondPerRoom),
            RuleBytesPerSecondPerAccount = Limit(nameof(BrokerLimits.RuleBytesPerSecondPerAccount), defaults.RuleBytesPerSecondPerAccount),
            WebhooksPerRoom = Limit(nameof(BrokerLimits.WebhooksPerRoom), defaults.WebhooksPerRoom),
            WebhooksPerAccount = Limit(nameof(BrokerLimits.WebhooksPerAccount), defaults.WebhooksPerAccount),
            WebhooksAtOnce = Number(section, nameof(BrokerLimits.WebhooksAtOnce), defaults.WebhooksAtOnce, 1, 256),
            WebhooksAtOncePerAccount = Limit(nameof(BrokerLimits.WebhooksAtOncePerAccount), defaults.WebhooksAtOncePerAccount),
            WebhookSeconds = Limit(nameof(BrokerLimits.WebhookSeconds), defaults.WebhookSeconds, 60),
            WebhookFailureHours = Limit(nameof(BrokerLimits.WebhookFailureHours), defaults.WebhookFailureHours, 24 * 365),
            RoomsPerAccount = Limit(nameof(BrokerLimits.RoomsPerAccount), defaults.RoomsPerAccount),
            RoomTriesPerDay = Limit(nameof(BrokerLimits.RoomTriesPerDay), defaults.RoomTriesPerDay),
            InvitationsPerDay = Limit(nameof(BrokerLimits.InvitationsPerDay), defaults.InvitationsPerDay),
            InvitesPerRoom = Limit(nameof(BrokerLimits.InvitesPerRoom), defaults.InvitesPerRoom),
            JoinRequestsPerDay = Limit(nameof(BrokerLimits.JoinRequestsPerDay), defaults.JoinRequestsPerDay),
            JoinRequestsPerRoom = Limit(nameof(BrokerLimits.JoinRequestsPerRoom), defaults.JoinRequestsPerRoom),
            ReportsPerDay = Limit(nameof(BrokerLimits.ReportsPerDay), defaults.ReportsPerDay),
            ReportsPerRoom = Limit(nameof(BrokerLimits.ReportsPerRoom), defaults.ReportsPerRoom),
            OpenInvitations = Limit(nameof(BrokerLimits.OpenInvitations), defaults.OpenInvitations),
            UnacknowledgedPerClient = Limit(nameof(BrokerLimits.UnacknowledgedPerClient), defaults.UnacknowledgedPerClient, 1024),
            RequestsPerSecond = Limit(nameof(BrokerLimits.RequestsPerSecond), defaults.RequestsPerSecond),
            RequestsPerSecondPerAddress = Limit(nameof(BrokerLimits.RequestsPerSecondPerAddress), defaults.RequestsPerSecondPerAddress),
            SearchesPerSecond = Limit(nameof(BrokerLimits.SearchesPerSecond), defaults.SearchesPerSecond, 1000),
            SearchesAtOnce = Limit(nameof(BrokerLimits.SearchesAtOnce), defaults.SearchesAtOnce, 1000),
            OutgoingMegabytes = Limit(nameof(BrokerLimits.OutgoingMegabytes), defaults.OutgoingMegabytes, 1024 * 1024),
            IncomingMegabytes = Limit(nameof(BrokerLimits.IncomingMegabytes), defaults.IncomingMegabytes, 1024 * 1024),
            SignInsPerMinutePerAddress = Limit(nameof(BrokerLimits.SignInsPerMinutePerAddress), defaults.SignInsPerMinutePerAddress),
            RegistrationsPerHourPerAddress = Limit(nameof(BrokerLimits.RegistrationsPerHourPerAddress), defaults.RegistrationsPerHourPerAddress),
            GuestsPerMinutePerAddress = Limit(nameof(BrokerLimits.GuestsPerMinutePerAddress), defaults.GuestsPerMinutePerAddress),
            WrongPasswordsPerHourPerAccount = Limit(nameof(BrokerLimits.WrongPasswordsPerHourPerAccount), defaults.WrongPasswordsPerHourPerAccount),
            AccountTriesPerDay = Limit(nameof(BrokerLimits.AccountTriesPerDay), defaults.AccountTriesPerDay),
            UserNameChangesPerMonth = Limit(nameof(BrokerLimits.UserNameChangesPerMonth), defaults.UserNameChangesPerMonth),
            UserNamesPerAccount = Limit(nameof(BrokerLimits.UserNamesPerAccount), defaults.UserNamesPerAccount),
            DisplayNameChangesPerHour = Limit(nameof(BrokerLimits.DisplayNameChangesPerHour), defaults.DisplayNameChangesPerHour),
            UsesToldPerSecond = Limit(nameof(BrokerLimits.UsesToldPerSecond), defaults.UsesToldPerSecond),
            LoginSessionsPerAccount = Limit(nameof(BrokerLimits.LoginSessionsPerAccount), defaults.LoginSessionsPerAccount),
            TokensPerAccount = Limit(nameof(BrokerLimits.TokensPerAccount), defaults.TokensPerAccount),
            IgnoredPerAccount = Limit(nameof(BrokerLimits.IgnoredPerAccount), defaults.IgnoredPerAccount),
            SavedPerAccount = Limit(nameof(BrokerLimits.SavedPerAccount), defaults.SavedPerAccount),
        };
    }

    // A misspelt key would be a setting that silently does nothing.
    private static void RefuseUnknown(IConfigurationSection section)
    {
        if (section.Value is { Length: > 0 } text)
        {
            throw new StartupException($"The setting {section.Path} is '{text}'; "
                + $"it has settings below it, such as {section.Path}:DataFolder, and none of its own.");
        }

        foreach (var (key, value) in section.AsEnumerable(makePathsRelative: true))
        {
            var isEntry = Lists.Any(list =>
                key.StartsWith(list, StringComparison.OrdinalIgnoreCase) && int.TryParse(key[list.Length..], out _));
            if (value is not null && !isEntry && !Keys.Contains(key))
            {
                throw new StartupException(
                    $"There is no setting {section.Path}:{key}. "
                    + $"{(Nearest(key) is { } meant ? $"{section.Path}:{meant} may be meant. " : "")}"
                    + "Correct its name or take it out; docs/operating.md lists them.");
            }

            // A list that is given as one text is read by nobody. An empty one in the file comes as an empty text.
            if (value is { Length: > 0 } && Lists.Contains(key + ":", StringComparer.OrdinalIgnoreCase))
            {
                throw new StartupException(
                    $"The setting {section.Path}:{key} is '{value}'; it must be a list, such as {section.Path}:{key}:0={value}.");
            }
        }
    }

    /// <summary>
    /// Nothing on a command line is somebody else's, as much in the environment is: what is no setting there is a slip, and the program
    /// would start without what was meant. Typed as the framework takes it: `--Key=value`, `--Key value`, `/Key=value`, `Key=value`.
    /// </summary>
    /// <param name="option">What the command takes beside settings, such as `--reason`; null: nothing.</param>
    /// <exception cref="StartupException">One is not known, or has no value.</exception>
    public static void RefuseUnknownTyped(IReadOnlyList<string> args, string? option = null)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var typed = args[i];
            var prefix = typed.StartsWith("--", StringComparison.Ordinal) ? 2 : typed is ['/', ..] ? 1 : 0;
            var equals = typed.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? typed[prefix..] : typed[prefix..equals];
            if (!IsKnown(key))
            {
                // Its name alone: the value may be a secret.
                var meant = option is not null && Distance("--" + key, option) <= 2 ? option : prefix > 0 || equals >= 0 ? Meant(key) : null;
                throw new StartupException(
                    $"There is no setting {PlainLine.Of(key)}. {(meant is null ? "" : $"{meant} may be meant. ")}"
                    + "Correct its name or take it out; docs/operating.md lists them.");
            }

            // Without "=" the next one is its value.
            if (equals < 0 && (prefix == 0 || ++i == args.Count))
            {
                throw new StartupException($"The setting {PlainLine.Of(key)} has no value. Write --{key}=value.");
            }
        }
    }

    // Below WebMessenger all is looked at, wherever it comes from.
    private static bool IsKnown(string key) =>
        IsBelow(key, "WebMessenger") || key.Equals("WebMessenger", StringComparison.OrdinalIgnoreCase)
        || Others.Any(known => known.EndsWith(':') ? IsBelow(key, known[..^1]) : key.Equals(known, StringComparison.OrdinalIgnoreCase));

    private static bool IsBelow(string key, string section) => key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase);

    private static string? Meant(string key)
    {
        var first = key.Split(':')[0];
        if (first.Equals("Port", StringComparison.OrdinalIgnoreCase))
        {
            return "Urls (the pages, such as http://localhost:8080) or WebMessenger:Mqtt:Port";
        }

        var nearest = Others.Append("WebMessenger:").MinBy(known => Distance(first, known.TrimEnd(':')))!.TrimEnd(':');
        return Distance(first, nearest) <= Math.Max(first.Length < 5 ? 1 : 2, first.Length / 4) ? nearest + key[first.Length..]
            : Nearest(key) is { } ours ? "WebMessenger:" + ours : null;
    }

    // In the environment there is much that is not ours, so only a slip of our own name can be told.
    private static void RefuseMisspeltSection(IConfiguration configuration)
    {
        foreach (var child in configuration.GetChildren())
        {
            if (!child.Key.Equals("WebMessenger", StringComparison.OrdinalIgnoreCase) && Distance(child.Key, "WebMessenger") <= 2)
            {
                throw new StartupException(
                    $"There are no settings below {child.Key}: WebMessenger may be meant. Correct the name or take it out.");
            }
        }
    }

    /// <summary>The setting whose name is hardly another, or that has the right name in another place; null: there is none.</summary>
    private static string? Nearest(string key)
    {
        // "Gests" is a slip of "Guests:Enabled" too.
        int FromBeginning(string known) => Distance(key, string.Join(':', known.Split(':').Take(key.Split(':').Length)));
        var nearest = Keys.MinBy(FromBeginning)!;
        return FromBeginning(nearest) <= Math.Max(2, key.Length / 4) ? nearest
            : Keys.FirstOrDefault(known => known.Split(':')[^1].Equals(key.Split(':')[^1], StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>How many letters must be changed, put in or taken out (Levenshtein), whatever their case.</summary>
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var above = row[j];
                var change = diagonal + (char.ToUpperInvariant(from[i - 1]) == char.ToUpperInvariant(to[j - 1]) ? 0 : 1);
                (row[j], diagonal) = (Math.Min(change, Math.Min(above, row[j - 1]) + 1), above);
            }
        }

        return row[^1];
    }

    private static string Folder(IConfigurationSection section)
    {
        var folder = section["DataFolder"] ?? "./data";
        return folder.Length == 0 ? throw Bad(section, "DataFolder", folder, "a folder, such as ./data") : Path.GetFullPath(folder);
    }

    private static BasePath Base(IConfigurationSection section)
    {
        const string key = "BasePath";
        var text = section[key] ?? "";
        return BasePath.TryParse(text, out var path) ? path
            : throw Bad(section, key, text, "/ or a folder, such as /chat/, of letters, digits and -_.~, not below /api, /assets, /health or /mqtt");
    }

    private static TlsSettings? Tls(IConfigurationSection section)
    {
        const string certificateKey = "Mqtt:Tls:Certificate", keyKey = "Mqtt:Tls:Key";
        var port = Number(section, "Mqtt:Tls:Port", 8883, -1, 65535);
        var address = Address(section, "Mqtt:Tls:Address");
        var (certificate, key, password) = (Optional(section, certificateKey), Optional(section, keyKey), Optional(section, "Mqtt:Tls:Password"));
        var publicPort = Number(section, "Mqtt:Tls:PublicPort", 0, 0, 65535);
        var clients = Flag(section, "Mqtt:Tls:ClientCertificates", true);
        return certificate is not null
            ? new TlsSettings(port, address, Path.GetFullPath(certificate), Path.GetFullPath(key ?? certificate), password, publicPort, clients)
            : key is null ? null
            : throw new StartupException($"The setting {section.Path}:{keyKey} has a key, and {section.Path}:{certificateKey} no certificate; set both, or neither.");
    }

    private static List<IPNetwork> Networks(IConfigurationSection section, string key)
    {
        return section.GetSection(key).GetChildren().Select(child => child.Value ?? "")
            .Select(text => TrustedProxies.TryParse(text, out var network) ? network
                : throw Bad(section, key, text, "addresses, such as 127.0.0.1, or networks, such as 10.0.0.0/8"))
            .ToList();
    }

    private static string? Host(IConfigurationSection section, string key)
    {
        var text = Optional(section, key);
        return text is null || Uri.CheckHostName(text) != UriHostNameType.Unknown ? text
            : throw Bad(section, key, text, "a host name or an IP address, such as mqtt.example.org");
    }

    internal static string? Optional(IConfigurationSection section, string key) => section[key] is { Length: > 0 } text ? text : null;

    internal static IPAddress Address(IConfigurationSection section, string key)
    {
        var text = section[key] ?? "127.0.0.1";
        return text == "localhost" ? IPAddress.Loopback
            : IPAddress.TryParse(text, out var address) ? address
            : throw Bad(section, key, text, "an IP address, such as 127.0.0.1, or 0.0.0.0 for all");
    }

    private static List<RoomId> Rooms(IConfigurationSection section)
    {
        const string key = "Rooms:Default";
        var configured = section.GetSection(key).GetChildren().Select(child => child.Value ?? "").ToList();
        return (configured.Count == 0 ? ["lobby"] : configured)
            .Select(text => RoomId.TryParse(text, out var id) ? id : throw Bad(section, key, text, "room ids: a-z, 0-9 and -, at most 64 characters"))
            .Distinct()
            .ToList();
    }

    private static List<string> Origins(IConfigurationSection section)
    {
        const string key = "AllowedOrigins";
        return section.GetSection(key).GetChildren().Select(child => child.Value ?? "")
            .Select(text => Uri.TryCreate(text, UriKind.Absolute, out var origin) && origin.Scheme is "http" or "https" && origin.PathAndQuery == "/"
                ? origin.GetLeftPart(UriPartial.Authority)
                : throw Bad(section, key, text, "origins, such as https://chat.example.org"))
            .ToList();
    }

    internal static int Number(IConfigurationSection section, string key, int fallback, int minimum, int maximum)
    {
        var text = section[key];
        return text is null ? fallback
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum ? number
            : throw Bad(section, key, text, string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"));
    }

    private static bool Flag(IConfigurationSection section, string key, bool fallback)
    {
        var text = section[key];
        return text is null ? fallback : bool.TryParse(text, out var flag) ? flag : throw Bad(section, key, text, "true or false");
    }

    internal static StartupException Bad(IConfigurationSection section, string key, string value, string expected) =>
        new($"The setting {section.Path}:{key} is '{value}'; it must be {expected}.");
}
