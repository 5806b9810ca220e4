using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/health/live` and `/health/ready`, for supervisors: alive when it answers, ready when MQTT is served, what is said can be stored and,
/// of a cluster's node, it is in touch with the others.
/// </summary>
internal static class HealthApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("live")).ExcludeFromDescription();
        routes.MapGet("/health/ready", IResult (MqttAcceptor acceptor, LogHealth log, DiskSpace space, ILease lease) =>
            acceptor.IsServing && log.IsWriting && !space.IsLow && lease.IsFresh
            ? TypedResults.Text("ready")
            : TypedResults.Text("not ready", statusCode: StatusCodes.Status503ServiceUnavailable)).ExcludeFromDescription();
    }
}
