using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>What reaches the other nodes, and what a node of a cluster has otherwise than a program alone.</summary>
internal static class NodeServices
{
    public static void AddNodes(this IServiceCollection services, BrokerSettings settings, Stores stores)
    {
        services.AddSingleton(stores.Replication);
        services.AddSingleton(stores.Links);
        services.AddSingleton(stores.Lease);
        services.AddSingleton(stores.Turns);
        services.AddSingleton(stores.Duties);
        services.AddSingleton<INodes>(provider =>
        {
            // Found while there are services: other nodes ask until the links are closed, which is after that, when a node stops.
            DurableClients? clients = null;
            provider.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => clients = provider.GetRequiredService<DurableClients>());
            ThisNode here = new(stores.Auth.Sessions.Here, provider.GetRequiredService<ConnectionDirectory>());
            return settings.Cluster is null ? new Alone(here) : new ManyNodes(
                here, stores.Links, stores.Turns, provider.GetRequiredService<ILogger<ManyNodes>>(), HeardAsync);

            async Task HeardAsync(ClientName client)
            {
                // An act, which looks before it writes, comes to the log later than the connection ends.
                await (clients ?? provider.GetRequiredService<DurableClients>()).PublishesDecidedAsync(client.AccountId, client.ClientId);
                await stores.Log.SettleAsync();
                await stores.Replication.EverywhereAsync();
            }
        });

        // Of a cluster the disk is the database's, which says itself when it is full.
        services.AddSingleton(settings.Cluster is null
            ? DiskSpace.Of(stores.Folder, settings.Limits)
            : new DiskSpace(() => throw new IOException("The disk is the database's."), settings.Limits));
    }
}
