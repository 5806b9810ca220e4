using System.Net.Sockets;
using WebMessenger.Broker.Operator;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>Asks at the operator's socket as any program could.</summary>
internal static class OperatorSocketClient
{
    /// <summary>HTTP to the socket of a data folder, on a connection of its own.</summary>
    public static HttpClient Http(string dataFolder) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) => new NetworkStream(await OperatorSocket.ConnectAsync(dataFolder, cancellation), ownsSocket: true),
    })
    {
        BaseAddress = new("http://localhost"),
    };
}
