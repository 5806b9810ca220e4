using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Host;

/// <summary>What those who look after the server see and do.</summary>
internal static class AdminServices
{
    public static void AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton<DeliveryTimes>();
        services.AddSingleton<Figures>();
        services.AddSingleton<ServerSampler>();
        services.AddHostedService(provider => provider.GetRequiredService<ServerSampler>());
        services.AddSingleton<ServerAudit>();
        services.AddSingleton<AdminProofs>();
        services.AddSingleton<AdminAccounts>();
        services.AddSingleton<AdminRooms>();
        services.AddSingleton<ServerOverview>();
        services.AddSingleton<ChangedSettings>();
        services.AddSingleton<AdminDoor>();
        services.AddSingleton<BanService>();
    }
}
