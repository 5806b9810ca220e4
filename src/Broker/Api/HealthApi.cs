using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Storing;

namespace WebMessenger.Broker.Api;

/// <summary>`/health/live` and `/health/ready`, for supervisors: alive when it answers, ready when MQTT is served and the disk has room.</summary>
internal static class HealthApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("live")).ExcludeFromDescription();
        routes.MapGet("/health/ready", IResult (MqttAcceptor acceptor, DiskSpace space) => acceptor.IsServing && !space.IsLow
            ? TypedResults.Text("ready")
            : TypedResults.Text("not ready", statusCode: StatusCodes.Status503ServiceUnavailable)).ExcludeFromDescription();
    }
}
