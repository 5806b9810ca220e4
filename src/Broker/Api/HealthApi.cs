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
    /// <summary>
    /// HAProxy cuts all connections to a server whose check fails, as it must where the machine is gone. One that answers 404 it only sends
    /// nobody new to (`http-check disable-on-404`): those who are here stay, and go on when the database is back.
    /// </summary>
    private const string Draining = "404";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("live")).ExcludeFromDescription();
        routes.MapGet("/health/ready", Ready).ExcludeFromDescription();
    }

    private static IResult Ready(string? unready, MqttAcceptor acceptor, LogHealth log, DiskSpace space, ILease lease, LostTouch lost)
    {
        // Asked each time, so that it is known since when.
        var isCutOff = lost.IsForLong();
        return unready is not (null or Draining) ? Problems.Field("unready", "invalid", "\"unready\" is 404, or is left out.")
            : acceptor.IsServing && log.IsWriting && !space.IsLow && lease.IsFresh ? TypedResults.Text("ready")
            : TypedResults.Text("not ready", statusCode: unready is null || isCutOff ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status404NotFound);
    }
}
