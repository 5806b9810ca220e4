using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Notices;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Preferences;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Host;

/// <summary>What is said and done in rooms and conversations, and what is kept of it for accounts.</summary>
internal static class TalkServices
{
    public static void AddTalk(this IServiceCollection services)
    {
        services.AddSingleton<MessageChanges>();
        services.AddSingleton<MessageActs>();
        services.AddSingleton<Mentions>();
        services.AddSingleton<Sayings>();
        services.AddSingleton<RoomOrders>();
        services.AddSingleton<Pins>();
        services.AddSingleton<Reactions>();
        services.AddSingleton<ConversationNames>();
        services.AddSingleton<IgnoredPeople>();
        services.AddSingleton<LeftAlone>();
        services.AddSingleton<Conversations>();
        services.AddSingleton<ConversationActs>();
        services.AddSingleton<SavedMessages>();
        services.AddSingleton<InboxMigration>();
        services.AddSingleton<NotifyLevels>();
        services.AddSingleton<AccountSettings>();
        services.AddSingleton<IFollower, ReactionFollower>();
        services.AddSingleton<IFollower, NoticeFollower>();
        services.AddModeration();
        services.AddInvites();
        services.AddReports();
        services.AddArchives();

        // In this order an erased account's are forgotten: who talked to whom is read before it is gone.
        services.AddSingleton<IAccountRecords, AccountLogs>();
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<Conversations>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<IgnoredPeople>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<SavedMessages>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<ReadPositions>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<DurableClients>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<AccountSettings>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<RestraintStore>());
    }

    private static void AddInvites(this IServiceCollection services)
    {
        services.AddSingleton<InviteLinks>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<InviteLinks>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<InviteLinks>());
        services.AddHostedService<InviteSweep>();
        services.AddSingleton<JoinRequestStore>();
        services.AddSingleton<JoinRequests>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<JoinRequestStore>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<JoinRequests>());
    }

    private static void AddReports(this IServiceCollection services)
    {
        services.AddSingleton<HostNotices>();
        services.AddSingleton<RoomReports>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<RoomReports>());
        services.AddHostedService<ReportSweep>();
    }

    private static void AddArchives(this IServiceCollection services)
    {
        services.AddSingleton<ExportPlaces>();
        services.AddSingleton<ImportPlaces>();
        services.AddSingleton<RoomExport>();
        services.AddSingleton<UnfinishedImports>();
        services.AddSingleton<RoomImport>();
        services.AddSingleton<ArchiveService>();
    }

    private static void AddModeration(this IServiceCollection services)
    {
        services.AddSingleton<RoomModeration>();
        services.AddSingleton<BanEnds>();
        services.AddSingleton<DeletingWork>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<DeletingWork>());
        services.AddHostedService(provider => provider.GetRequiredService<DeletingWork>());
        services.AddSingleton<RestraintStore>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<RestraintStore>());
        services.AddSingleton<GuestAddresses>();
        services.AddSingleton<AddressBans>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<AddressBans>());
        services.AddSingleton<AddressBanSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<AddressBanSweep>());
        services.AddSingleton<AuditPlaces>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<AuditPlaces>());
        services.AddSingleton<AuditSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<AuditSweep>());
    }
}
