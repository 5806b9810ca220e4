using WebMessenger.Broker.Notices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Webhooks;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Host;

/// <summary>Who is here and who writes, on several nodes.</summary>
internal static class PeopleServices
{
    public static void AddPeople(this IServiceCollection services)
    {
        services.AddSingleton<HereRecords>();
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<HereRecords>());
        services.AddSingleton<HereHearing>();
        services.AddHostedService(provider => provider.GetRequiredService<HereHearing>());
        services.AddSingleton<Typing>();
    }

    /// <summary>Before anything is read, and any other node is met.</summary>
    public static void ConnectPeople(this IServiceProvider services)
    {
        services.GetRequiredService<HereHearing>().Connect();
        services.GetRequiredService<Typing>().Connect();
        services.GetRequiredService<WebhookTeller>().Connect();
        services.GetServices<IFollower>().OfType<NoticeFollower>().SingleOrDefault()?.Connect();
    }
}
