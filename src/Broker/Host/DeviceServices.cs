using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Host;

/// <summary>What devices say in rooms, and what is kept of it.</summary>
internal static class DeviceServices
{
    public static void AddDevices(this IServiceCollection services)
    {
        services.AddSingleton<RetainedRooms>();
        services.AddSingleton<IRetainedRooms>(provider => provider.GetRequiredService<RetainedRooms>());
        services.AddSingleton<DataLogs>();
        services.AddSingleton<IRoomValues, RoomData>();
        services.AddHostedService<RetainedSweep>();
        services.AddSingleton<DataSpaces>();
        services.AddSingleton<DeviceTraces>();
    }
}
