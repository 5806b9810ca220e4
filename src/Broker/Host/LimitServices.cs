using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Host;

/// <summary>Limits by account, which are those of all nodes.</summary>
internal static class LimitServices
{
    public static void AddAccountLimits(this IServiceCollection services, AuthServices auth, bool isAlone)
    {
        services.AddSingleton<StorageQuotas>();
        services.AddSingleton<DataQuotas>();
        services.AddSingleton<PublishBudgets>();
        foreach (var use in auth.SharedUses)
        {
            services.AddSingleton(use);
        }

        services.AddSingleton<ISharedUse>(provider => provider.GetRequiredService<PublishBudgets>());
        services.AddSingleton<ISharedUse>(provider => provider.GetRequiredService<StorageQuotas>());
        services.AddSingleton<ISharedUse>(provider => provider.GetRequiredService<DataQuotas>());
        if (!isAlone)
        {
            services.AddSharedDays();
        }

        services.AddSingleton<SharedLimits>();
        services.AddHostedService(provider => provider.GetRequiredService<SharedLimits>());
    }

    // The numbers are those on the wire, and never change.
    private static void AddSharedDays(this IServiceCollection services)
    {
        void Add<TOwner>(byte kind, Func<TOwner, DailyBudget> budget)
            where TOwner : notnull => services.AddSingleton(provider => budget(provider.GetRequiredService<TOwner>()).Share(kind));

        Add<RoomModeration>(9, of => of.BansOfStrangers);
        Add<RoomInvitations>(10, of => of.Withdrawals);
        Add<RoomActs>(11, of => of.BeyondQuota);
        Add<RoomReports>(12, of => of.Made);
        Add<JoinRequests>(13, of => of.Asked);
        Add<RoomIds>(14, of => of.Tries);
        Add<ImportPlaces>(15, of => of.Tries);
    }
}
