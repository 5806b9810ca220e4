using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Search;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Host;

/// <summary>What finds messages again.</summary>
internal static class SearchServices
{
    public static void AddSearch(this IServiceCollection services, Stores stores)
    {
        services.AddSingleton(stores.Search);
        services.AddSingleton<ISearchedLogs, SearchedRooms>();
        services.AddSingleton<ISearchedLogs, SearchedConversations>();
        services.AddSingleton<SearchFollower>();
        services.AddSingleton<IFollower>(provider => provider.GetRequiredService<SearchFollower>());
        services.AddSingleton<Searching>();
        services.AddSingleton<SearchTurns>();
        services.AddSingleton<SearchService>();
        services.AddHostedService<SearchCleaning>();
        services.AddSingleton<SearchReach>();
        services.AddSingleton(provider => new PurgeService(
            stores.House.PurgeAsync, stores.House.PurgeValuesAsync, provider.GetRequiredService<SearchReach>().HasReachedAsync, stores.Journal, stores.Records));
    }
}
