using WebMessenger.Broker.Api;
using WebMessenger.Broker.Pages;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Host;

/// <summary>What a request passes, in order, and where it can end.</summary>
internal static class Pipeline
{
    public static void AddServices(IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddExceptionHandler(Problems.OfFailures);
        services.AddOpenApi();
        services.AddHealthChecks();
        CompressedAnswers.AddServices(services);
        services.AddSingleton<RequestRates>();
        services.AddSingleton<LostTouch>();
        services.AddSingleton<RequestsUnderWay>();
    }

    public static void Map(WebApplication app)
    {
        // First: what comes behind it asks for the address and the scheme of the client.
        var relayed = app.Services.GetService<RelayedRequests>();
        if (relayed is not null)
        {
            app.Use(RelayedRequests.BelieveAsync);
        }

        var settings = app.Services.GetRequiredService<BrokerSettings>();
        TrustedProxies.Use(app, settings.TrustedProxies);
        app.UseMiddleware<SecurityHeaders>();

        // Around all that writes answers: a place is held until the answer is taken.
        app.Use(app.Services.GetRequiredService<RequestsUnderWay>().ServeAsync);
        // guard: faults keep their inside
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Services.GetRequiredService<AllowedHosts>().Use(app);
        settings.BasePath.Use(app);
        app.Use(MaskedFrames.DemandAsync);
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
        app.UseRouting();
        app.Use(app.Services.GetRequiredService<RequestRates>().ServeAsync);
        NodeAnswers.Use(app, app.Services.GetRequiredService<IReplication>(), app.Services.GetRequiredService<ILease>());
        if (relayed is not null)
        {
            app.Use(relayed.ServeAsync);
        }

        CompressedAnswers.Use(app);
        OpenApiFile.Map(app);
        HealthApi.Map(app);
        ServerApi.Map(app);
        AccountsApi.Map(app);
        SessionApi.Map(app);
        SessionsApi.Map(app);
        TokensApi.Map(app);
        SettingsApi.Map(app);
        PasswordLinksApi.Map(app);
        RoomsApi.Map(app);
        InvitesApi.Map(app);
        JoinRequestsApi.Map(app);
        ReportsApi.Map(app);
        EventsApi.Map(app);
        ReadApi.Map(app);
        SearchApi.Map(app);
        WhispersApi.Map(app);
        NoticesApi.Map(app);
        ConversationsApi.Map(app);
        IgnoredApi.Map(app);
        CommonRoomsApi.Map(app);
        SavedApi.Map(app);
        DataApi.Map(app);
        RoomDevicesApi.Map(app);
        HooksApi.Map(app);
        RulesApi.Map(app);
        WebhooksApi.Map(app);
        AdminApi.Map(app);
        MqttWebSocket.Map(app);
        WebPages.Map(app);
    }
}
