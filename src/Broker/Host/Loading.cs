using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Host;

/// <summary>Reads into memory what is stored, before anything is served.</summary>
internal static class Loading
{
    public static async Task RunAsync(IServiceProvider services, Stores stores)
    {
        await services.GetRequiredService<ChangedSettings>().LoadAsync();
        services.GetRequiredService<DiskSpace>().Look();
        services.GetRequiredService<StorageQuotas>().Load(stores.Auth.Accounts);
        services.GetRequiredService<DataQuotas>().Load(stores.Auth.Accounts);
        var rooms = services.GetRequiredService<RoomDirectory>();
        ReadNews.Connect(services.GetRequiredService<ReadPositions>(), services.GetRequiredService<UnreadWatch>(), rooms, stores.Auth.Accounts);
        services.GetRequiredService<IgnoredPeople>().Load();
        services.GetRequiredService<LeftAlone>().Load();
        RoomLinks.Connect(services);
        services.ConnectPeople();
        await services.GetRequiredService<RoomOpening>().OpenAsync(stores.IsFirst);
        if (stores.IsFirst)
        {
            await services.GetRequiredService<UnfinishedImports>().RestoreAsync();
        }

        await services.GetRequiredService<InboxMigration>().RunAsync();
        await services.GetRequiredService<DurableClients>().LoadAsync(rooms, stores.Clock.StartsLater);
    }
}
