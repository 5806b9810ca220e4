using WebMessenger.Broker.Api;

namespace WebMessenger.Broker.Connections;

/// <summary>`/mqtt`: MQTT over WebSocket. A browser comes with its cookie and from our own pages; anything else comes without an Origin and signs in by CONNECT.</summary>
internal static class MqttWebSocket
{
    private const string SubProtocol = "mqtt";

    public static void Map(IEndpointRouteBuilder routes) =>
        // Every method: CONNECT opens a WebSocket over HTTP/2 (RFC 8441), and to whatever is no WebSocket nothing is here.
        routes.Map("/mqtt", ServeAsync).ExcludeFromDescription();

    private static async Task ServeAsync(
        HttpContext context, MqttAcceptor acceptor, ConnectionLimits limits, SameOriginRule origins, CookieSignIn cookies)
    {
        // Before the upgrade: a foreign page must not even learn that the socket would open.
        if (!origins.IsAllowed(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        // [MQTT-6.0.0-3], [MQTT-6.0.0-4]
        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(SubProtocol))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
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
            await OpenAsync(context, acceptor, cookies);
        }
        finally
        {
            limits.Leave(address);
        }
    }

    private static async Task OpenAsync(HttpContext context, MqttAcceptor acceptor, CookieSignIn cookies)
    {
        // Without an Origin it is no browser, and a cookie that came along is not taken for anybody's word.
        var session = context.Request.Headers.Origin.Count > 0 ? cookies.Find(context.Request) : null;
        using var socket = await context.WebSockets.AcceptWebSocketAsync(SubProtocol);
        WebSocketTransport transport = new(socket, context, session);
        await Task.WhenAll(transport.PumpAsync(), acceptor.ServeAsync(transport));
    }
}
