using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Host;

/// <summary>Limits by account, which are those of all nodes.</summary>
internal static class LimitServices
{
    public static void AddAccountLimits(this IServiceCollection services, AuthServices auth)
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
        services.AddSingleton<SharedLimits>();
        services.AddHostedService(provider => provider.GetRequiredService<SharedLimits>());
    }
}
