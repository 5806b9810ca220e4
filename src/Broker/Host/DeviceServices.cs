using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Host;

/// <summary>What devices say in rooms and what is kept of it, and what the server tells them of itself.</summary>
internal static class DeviceServices
{
    public static void AddDevices(this IServiceCollection services, int sysInterval)
    {
        services.AddSingleton<RetainedRooms>();
        services.AddSingleton<IRetainedRooms>(provider => provider.GetRequiredService<RetainedRooms>());
        services.AddSingleton<DataLogs>();
        services.AddSingleton<IRoomValues, RoomData>();
        services.AddHostedService<RetainedSweep>();
        services.AddSingleton<DataSpaces>();
        services.AddSingleton(new SysInterval(sysInterval));
        services.AddSingleton<ServerFigures>();
        services.AddSingleton<ServerTopics>();
        services.AddHostedService(provider => provider.GetRequiredService<ServerTopics>());
        services.AddSingleton<DeviceTraces>();
    }
}
