using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace WebMessenger.Wire.Testing;

/// <summary>What a WebSocket client says at the door. Null leaves the header out.</summary>
/// <param name="Cookie">The whole Cookie header: `name=value`.</param>
/// <param name="Origin">A browser sends one always; `mosquitto` and bots do not.</param>
internal sealed record WebSocketDoor(string? Cookie = null, string? Origin = null, string? SubProtocol = "mqtt")
{
    /// <summary>Further headers, as X-Forwarded-For.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}

/// <summary>A byte stream to the server over a real socket.</summary>
internal abstract class WireTransport : IAsyncDisposable
{
    /// <summary>0 at the end of the stream; throws when the peer reset it.</summary>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer);

    /// <summary>One call is one WebSocket frame, or one write to the socket.</summary>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Ends our direction only.</summary>
    public abstract ValueTask FinishAsync();

    /// <summary>Drops the connection without a word.</summary>
    public abstract void Abort();

    /// <summary>Of a WebSocket that was closed in order.</summary>
    public virtual WebSocketCloseStatus? CloseStatus => null;

    public ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }
}

internal sealed class TcpTransport(Socket socket) : WireTransport
{
    /// <param name="receiveBuffer">Bytes; a stalled client takes a small one so that the server's writes soon find no room.</param>
    public static async Task<TcpTransport> OpenAsync(IPEndPoint server, int? receiveBuffer)
    {
        var socket = await WireSocket.ConnectAsync(server, receiveBuffer, CancellationToken.None);
        return new TcpTransport(socket);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        var count = await socket.ReceiveAsync(buffer);
        if (count == 0)
        {
            // As clients do when the server has closed (MQTT 5.0, 4.13.1): a server that sends a last word waits for that.
            await FinishAsync();
        }

        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    public override ValueTask FinishAsync()
    {
        socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    public override void Abort() => socket.Close(0);
}

/// <summary>MQTT over TLS.</summary>
internal sealed class TlsTransport(Socket socket, SslStream stream) : WireTransport
{
    /// <summary>Of the certificate that the server showed, as hexadecimal digits.</summary>
    public string Thumbprint => stream.RemoteCertificate?.GetCertHashString() ?? "";

    public static async Task<TlsTransport> OpenAsync(
        IPEndPoint server, TestCertificate trusted, int? receiveBuffer, List<SslApplicationProtocol>? protocols, DeviceCertificate? shown = null)
    {
        var socket = await WireSocket.ConnectAsync(server, receiveBuffer, CancellationToken.None);
        SslStream stream = new(new NetworkStream(socket));
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ApplicationProtocols = protocols,
                ClientCertificateContext = shown?.Context,
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                    (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == 0 && trusted.Signed(certificate, chain),
            });
            return new TlsTransport(socket, stream);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer) => stream.ReadAsync(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes);

    public override async ValueTask FinishAsync()
    {
        await stream.ShutdownAsync();
        socket.Shutdown(SocketShutdown.Send);
    }

    public override void Abort()
    {
        socket.Close(0);
        stream.Dispose();
    }
}

internal sealed class WebSocketTransport(ClientWebSocket socket, HttpMessageInvoker invoker) : WireTransport
{
    public override WebSocketCloseStatus? CloseStatus => socket.CloseStatus;

    public string? SubProtocol => socket.SubProtocol;

    /// <returns>The transport with 101, or null with the status that refused the upgrade.</returns>
    public static async Task<(WebSocketTransport? Transport, HttpStatusCode Status)> TryOpenAsync(Uri address, WebSocketDoor door, int? receiveBuffer, TestCertificate? trusted = null)
    {
        ClientWebSocket socket = new();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        if (door.SubProtocol is { } subProtocol)
        {
            socket.Options.AddSubProtocol(subProtocol);
        }

        foreach (var (name, value) in Headers(door))
        {
            socket.Options.SetRequestHeader(name, value);
        }

        HttpMessageInvoker invoker = new(new SocketsHttpHandler
        {
            UseCookies = false,
            UseProxy = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, chain, errors) => errors == SslPolicyErrors.None || trusted?.Signed(certificate, chain) == true },
            ConnectCallback = async (context, cancellation) => new NetworkStream(
                await WireSocket.ConnectAsync(context.DnsEndPoint, receiveBuffer, cancellation), ownsSocket: true),
        });
        try
        {
            await socket.ConnectAsync(address, invoker, CancellationToken.None);
            return (new WebSocketTransport(socket, invoker), HttpStatusCode.SwitchingProtocols);
        }
        catch (WebSocketException) when (socket.HttpStatusCode != 0)
        {
            var status = socket.HttpStatusCode;
            socket.Dispose();
            invoker.Dispose();
            return (null, status);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer, CancellationToken.None);
            switch (result.MessageType)
            {
                case WebSocketMessageType.Close:
                    return 0;
                case WebSocketMessageType.Text:
                    throw new MalformedPacketException("the server sent a text frame [MQTT-6.0.0-1]");
                case WebSocketMessageType.Binary when result.Count > 0:
                    return result.Count;
            }
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => SendFrameAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true);

    /// <summary>One frame as the test wants it: text, or a part of a message.</summary>
    public ValueTask SendFrameAsync(ReadOnlyMemory<byte> bytes, WebSocketMessageType type, bool endOfMessage) =>
        socket.SendAsync(bytes, type, endOfMessage, CancellationToken.None);

    public override async ValueTask FinishAsync() =>
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

    public override void Abort()
    {
        socket.Abort();
        socket.Dispose();
        invoker.Dispose();
    }

    private static IEnumerable<KeyValuePair<string, string>> Headers(WebSocketDoor door)
    {
        if (door.Cookie is { } cookie)
        {
            yield return new("Cookie", cookie);
        }

        if (door.Origin is { } origin)
        {
            yield return new("Origin", origin);
        }

        foreach (var header in door.Headers)
        {
            yield return header;
        }
    }
}

internal static class WireSocket
{
    public static async Task<Socket> ConnectAsync(EndPoint server, int? receiveBuffer, CancellationToken cancellation)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (receiveBuffer is { } size)
            {
                // Before connecting: the window that the peer may fill is agreed on there.
                socket.ReceiveBufferSize = size;
            }

            await socket.ConnectAsync(server, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
