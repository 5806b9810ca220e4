using System.Text;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Webhooks;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Host;

/// <summary>What happens to rooms, and to what people have set there, when another node has written it (ADR 0086).</summary>
internal static class RoomLinks
{
    public static void AddRoomLinks(this IServiceCollection services)
    {
        services.AddSingleton<HeardEvents>();
        services.AddSingleton<HeardRooms>();
        services.AddSingleton<HeardPlaces>();
        services.AddSingleton<HeardRestraints>();
    }

    /// <summary>Before what others write is heard. In a house of one nothing is.</summary>
    public static void Connect(IServiceProvider services)
    {
        var replication = services.GetRequiredService<IReplication>();
        if (replication.IsAlone)
        {
            return;
        }

        services.GetRequiredService<HeardRooms>().Listen();
        services.GetRequiredService<HeardPlaces>().Listen();
        services.GetRequiredService<HeardRestraints>().Listen();
        services.GetRequiredService<HeardEvents>().Listen(replication);
        replication.HearRecords("ig/", services.GetRequiredService<IgnoredPeople>().Heard);
        replication.HearRecords("alone/", services.GetRequiredService<LeftAlone>().Heard);
        replication.HearRecords(Ascii(AuditRecord.Prefix), services.GetRequiredService<AuditPlaces>().Heard);
        replication.HearRecords(Ascii(DeletingDue.Prefix), services.GetRequiredService<DeletingWork>().Heard);
        replication.HearRecords(Ascii(Webhook.Prefix), services.GetRequiredService<RoomWebhooks>().Heard);
        replication.HearRecords(Ascii(Rule.Prefix), services.GetRequiredService<RoomRules>().Heard);
        replication.HearRecords("runs/", services.GetRequiredService<RunLogs>().Heard);
    }

    private static string Ascii(ReadOnlySpan<byte> prefix) => Encoding.ASCII.GetString(prefix);
}
