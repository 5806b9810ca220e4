using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Webhooks;

namespace WebMessenger.Broker.Host;

/// <summary>What speaks in rooms by itself, and what is told of them elsewhere.</summary>
internal static class BotServices
{
    public static void AddBots(this IServiceCollection services)
    {
        services.AddSingleton<BotSpeech>();
        services.AddSingleton<RunLogs>();
        services.AddHostedService(provider => provider.GetRequiredService<RunLogs>());
        services.AddSingleton<RoomHooks>();
        services.AddSingleton<HookCalls>();
        services.AddSingleton<RuleSpeech>();
        services.AddSingleton<RuleWalks>();
        services.AddSingleton<RuleBudgets>();
        services.AddSingleton<RoomRules>();
        services.AddHostedService<RuleSweep>();
        services.AddSingleton<RoomWebhooks>();
        services.AddSingleton<WebhookNews>();
        services.AddSingleton(provider => new NameLookups(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<WebhookClient>();
        services.AddSingleton<WebhookTeller>();
        services.AddHostedService(provider => provider.GetRequiredService<WebhookTeller>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<RoomWebhooks>());
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<RoomWebhooks>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<RoomHooks>());
        services.AddSingleton<IAccountRecords>(provider => provider.GetRequiredService<RoomRules>());

        // What is kept of what they did goes last: whoever is removed before may have added to it.
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<RoomHooks>());
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<RoomRules>());
        services.AddSingleton<IRoomRecords>(provider => provider.GetRequiredService<RunLogs>());
    }
}
