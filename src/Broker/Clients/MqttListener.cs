using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Clients;

/// <summary>What a connection to a port of MQTT passes before it is served: its address's limits, then, on TLS, the handshake.</summary>
internal static class MqttListener
{
    /// <param name="tls">Null: unencrypted.</param>
    public static void ServeMqtt(this ListenOptions options, TlsHandshakeCallbackOptions? tls)
    {
        var limits = options.ApplicationServices.GetRequiredService<ConnectionLimits>();

        // Before the handshake, or a silent one would cost a place that nobody counts.
        options.Use(next => connection => CountedAsync(connection, limits, next));
        if (tls is not null)
        {
            options.Use(next => connection =>
            {
                EncryptedPipe raw = new(new HandshakeInput(connection.Transport.Input), connection.Transport.Output);
                connection.Features.Set(raw);
                connection.Transport = raw;
                return next(connection);
            });
            options.UseHttps(tls);
            options.Use(next => connection =>
            {
                connection.Features.Get<EncryptedPipe>()!.Handshake.Over();
                return next(connection);
            });
        }

        options.UseConnectionHandler<MqttAcceptor>();
    }

    /// <summary>The bytes of an accepted connection, served until it is over.</summary>
    public static async Task ServeAsync(ConnectionContext connection, Func<Transport, Task> serve)
    {
        if (connection is MqttSocketConnection unencrypted)
        {
            await serve(unencrypted.Bytes);
            return;
        }

        var tls = connection.Features.Get<ISslStreamFeature>() ?? throw new InvalidOperationException("The listener has not encrypted the connection.");
        var raw = connection.Features.Get<EncryptedPipe>() ?? throw new InvalidOperationException("The listener has not kept the encrypted side.");
        TlsTransport transport = new(connection, tls.SslStream, raw.Output) { Place = /* guard: a socket of MQTT over TLS is told that it is of use */ connection.Features.Get<CountedSocket>() };
        await Task.WhenAll(transport.PumpAsync(), serve(transport));
    }

    private static async Task CountedAsync(ConnectionContext connection, ConnectionLimits limits, ConnectionDelegate next)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (/* guard: a handshake counts as a connection */ !limits.TryEnter(address))
        {
            connection.Abort();
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            limits.Leave(address);
        }
    }
}
