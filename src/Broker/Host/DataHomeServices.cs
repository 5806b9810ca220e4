using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Host;

/// <summary>In a house of several nodes: one has the data topics, and the others bring it what comes to them (ADR 0088).</summary>
internal static class DataHomeServices
{
    public static void AddDataHome(this IServiceCollection services)
    {
        services.AddSingleton<NodePipes>();
        services.AddSingleton<DataHome>();
        services.AddSingleton<DataDoor>();
        services.AddSingleton<DataLife>();
        services.AddSingleton<NodeRequests>();
        services.AddSingleton<RelayedRequests>();
        services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<NodeRequests>());
        services.Configure<KestrelServerOptions>(kestrel =>
            kestrel.Listen(new NodeEndPoint(), options => options.Protocols = HttpProtocols.Http1));
        services.AddHostedService(Begin);
    }

    /// <summary>Before what is stored is read, and before other nodes say anything.</summary>
    public static void Prepare(IServiceProvider services)
    {
        services.GetService<NodePipes>();
        services.GetService<DataLife>();
    }

    private static DataHome Begin(IServiceProvider services)
    {
        var home = services.GetRequiredService<DataHome>();
        var door = services.GetRequiredService<DataDoor>();
        door.Open();
        IDataHomePart[] parts = [services.GetRequiredService<DataLife>(), new KeptDataLife(services.GetRequiredService<DurableClients>()), services.GetRequiredService<RoomRules>(), door];
        Array.ForEach(parts, home.Add);
        return home;
    }
}
