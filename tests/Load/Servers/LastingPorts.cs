using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Load.Servers;

/// <summary>
/// Free ports for a server that is started more than once. They lie below those that systems give to clients (32,768 and up on Linux):
/// while the server is down, anybody's connection could take one of those for its own end,
/// and a client that keeps knocking there can even reach itself.
/// </summary>
internal static class LastingPorts
{
    public static (int First, int Second) Two()
    {
        // Both are held until both are found, or they could be the same.
        using var first = Listen();
        using var second = Listen();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }

    private static TcpListener Listen()
    {
        while (true)
        {
            TcpListener listener = new(IPAddress.Loopback, Random.Shared.Next(20_000, 32_768));
            try
            {
                listener.Start();
                return listener;
            }
            catch (SocketException)
            {
                // Taken: the next.
                listener.Dispose();
            }
        }
    }
}
