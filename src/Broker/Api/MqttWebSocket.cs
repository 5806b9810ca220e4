using Microsoft.AspNetCore.Http.Features;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/mqtt`: MQTT over WebSocket. A browser comes with its cookie and from our own pages;
/// anything else comes without an Origin and signs in by CONNECT.
/// </summary>
internal static class MqttWebSocket
{
    /// <summary>
    /// The first is the standard's [MQTT-6.0.0-4]. Many clients offer one of the others, and speak MQTT 3.1.1 or 5 all the same;
    /// they are answered with what they offered.
    /// </summary>
    private static readonly string[] SubProtocols = ["mqtt", "mqttv3.1.1", "mqttv3.1"];

    private const string Version = "13";

    public static void Map(IEndpointRouteBuilder routes) =>
        // Every method: CONNECT opens a WebSocket over HTTP/2 (RFC 8441), and to whatever is no WebSocket nothing is here.
        routes.Map("/mqtt", ServeAsync).ExcludeFromDescription();

    private static async Task ServeAsync(
        HttpContext context, MqttAcceptor acceptor, ConnectionLimits limits, SameOriginRule origins, CookieSignIn cookies)
    {
        // Before the upgrade: a foreign page must not even learn that the socket would open.
        if (/* guard: Origin before the upgrade */ !origins.IsAllowed(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        if (/* guard: nothing but WebSockets */ !context.WebSockets.IsWebSocketRequest)
        {
            RefuseOther(context);
            return;
        }

        // [MQTT-6.0.0-3], [MQTT-6.0.0-4]
        var offered = context.WebSockets.WebSocketRequestedProtocols;
        if (SubProtocols.FirstOrDefault(offered.Contains) is not { } subProtocol)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        // A balancer sends a handshake that was answered so to another server, and cannot do that for a WebSocket that was opened and
        // ended.
        if (/* guard: a server that stops opens no WebSocket */ acceptor.IsStopping)
        {
            RefuseLast(context);
            return;
        }

        var address = context.Connection.RemoteIpAddress;
        if (!limits.TryEnter(address))
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }

        try
        {
            await OpenAsync(context, subProtocol, acceptor, cookies);
        }
        finally
        {
            limits.Leave(address);
        }
    }

    // No WebSocket, or one of a version that nobody speaks here (RFC 6455, 4.2.2).
    private static void RefuseOther(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var isOther = request.Headers.SecWebSocketVersion.Count > 0 && request.Headers.SecWebSocketVersion != Version;
        if (isOther && (context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest ?? false))
        {
            response.StatusCode = StatusCodes.Status426UpgradeRequired;
            response.Headers.SecWebSocketVersion = Version;
            response.Headers.Upgrade = "websocket";
            response.Headers.Connection = "Upgrade";
            return;
        }

        response.StatusCode = StatusCodes.Status404NotFound;
    }

    // Nothing more is taken from this connection: whoever keeps it would bring his next request here as well.
    private static void RefuseLast(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = "1";
        if (!HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            context.Response.Headers.Connection = "close";
        }
    }

    private static async Task OpenAsync(HttpContext context, string subProtocol, MqttAcceptor acceptor, CookieSignIn cookies)
    {
        // Without an Origin it is no browser, and a cookie that came along is not taken for anybody's word.
        var session = (/* guard: no cookie without an Origin */ context.Request.Headers.Origin.Count > 0) ? cookies.Find(context.Request) : null;
        using var socket = await context.WebSockets.AcceptWebSocketAsync(subProtocol);
        var transport = acceptor.Open(socket, context, session);
        await Task.WhenAll(transport.PumpAsync(), acceptor.ServeAsync(transport));
    }
}
