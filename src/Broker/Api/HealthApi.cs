using WebMessenger.Broker.Connections;

namespace WebMessenger.Broker.Api;

/// <summary>`/health/live` and `/health/ready`, for supervisors: alive when it answers, ready when MQTT is served.</summary>
internal static class HealthApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("live")).ExcludeFromDescription();
        routes.MapGet("/health/ready", IResult (MqttAcceptor acceptor) => acceptor.IsServing
            ? TypedResults.Text("ready")
            : TypedResults.Text("not ready", statusCode: StatusCodes.Status503ServiceUnavailable)).ExcludeFromDescription();
    }
}
