using WebMessenger.Broker.Retention;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>What is kept no more.</summary>
internal static class RetentionServices
{
    public static void AddRetention(this IServiceCollection services, BrokerSettings settings, Stores stores)
    {
        services.AddSingleton<ShortenedRooms>();
        services.AddSingleton(new Shortening(
            stores.Log, settings.Limits, stores.Clock,
            now: () => /* guard: what is old goes by the time that was seen to pass */ stores.Clock.Trusted));
        services.AddSingleton<FreedSpace>();
        services.AddHostedService<RetentionWork>();
    }
}
