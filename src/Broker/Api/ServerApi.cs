using System.Net;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>One way for MQTT clients to reach this server.</summary>
/// <param name="Host">Null: the host that the pages are at.</param>
/// <param name="Local">True: from the server's own machine only.</param>
internal sealed record MqttWay(string? Host, int Port, bool Local);

/// <summary>How MQTT clients reach this server; null: not by this way.</summary>
/// <param name="Websocket">A path below the address of the pages.</param>
/// <param name="Certificates">By <paramref name="Mqtts"/> a client certificate is taken in place of a password.</param>
internal sealed record ServerView(MqttWay? Mqtt, MqttWay? Mqtts, string Websocket, bool Certificates);

/// <summary>`/api/server`: where MQTT is served. For everybody: whoever scans the ports knows it too.</summary>
internal static class ServerApi
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapApi("/api/server").WithTags("Server").MapGet("", Get).WithSummary("Where MQTT clients connect to.");

    private static JsonHttpResult<ServerView> Get(IServerAddresses listeners, BrokerSettings settings) => TypedResults.Json(
        new ServerView(
            WayTo(listeners.Mqtt, settings.MqttPublicPort, settings.MqttPublicHost),
            WayTo(listeners.MqttOverTls, settings.Tls?.PublicPort ?? 0, settings.MqttPublicHost),
            "/mqtt",
            settings.Tls is { Port: >= 0, ClientCertificates: true }),
        ServerJson.Default.ServerView);

    /// <summary>A public port says that something outside leads to ours, wherever ours listens.</summary>
    internal static MqttWay? WayTo(IPEndPoint? listening, int publicPort, string? publicHost) => listening switch
    {
        null => null,
        _ when publicPort > 0 => new MqttWay(publicHost, publicPort, Local: false),
        _ when IPAddress.IsLoopback(listening.Address) => new MqttWay(null, listening.Port, Local: true),
        _ => new MqttWay(publicHost, listening.Port, Local: false),
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ServerView))]
internal sealed partial class ServerJson : JsonSerializerContext;
