using System.Net;
using Microsoft.AspNetCore.Connections;

namespace WebMessenger.Broker.Transports;

/// <summary>The sockets of unencrypted MQTT, in place of Kestrel's own: ADR 0013 says why.</summary>
internal sealed class MqttSockets(OpenSockets sockets) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>
    /// Lets the runtime handle what a socket brings on the thread that waits for all of them, without a change of threads.
    /// For the whole process, and before its first socket; Kestrel's sockets go on elsewhere by themselves.
    /// </summary>
    public static void HandleInPlace() => Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

    /// <summary>
    /// The opposite, and before the first socket, too: where the process has clients of other programs, whose code may wait. On the thread
    /// that waits for all sockets it would wait for what only that thread brings.
    /// </summary>
    public static void HandleElsewhere() => Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", null);

    public bool CanBind(EndPoint endpoint) => endpoint is MqttEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(new CountedListener(
            CountedListener.Listen(endpoint), sockets, (socket, place) => new MqttSocketConnection(new TcpTransport(socket) { Place = place }, place)));
}
