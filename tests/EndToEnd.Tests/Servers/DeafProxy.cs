using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>
/// Hands bytes through to a server, until it is told to go deaf: the connections that there are stay open, and nothing comes through them
/// any more, in neither direction and without a word. New ones work.
/// As behind a router that has forgotten its table, or a network that changed.
/// </summary>
internal sealed class DeafProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _pumps = [];
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Task _accepting;
    private volatile Life _life = new();

    public DeafProxy(Uri server)
    {
        _server = new IPEndPoint(IPAddress.Loopback, server.Port);
        _listener.Start();
        Address = new UriBuilder("http", "127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port).Uri;
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Every connection that is open now goes dead; those that come after are as before.</summary>
    public void GoDeaf()
    {
        var before = _life;
        _life = new Life();
        before.IsDeaf = true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        await _accepting;
        await Task.WhenAll(_pumps);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                Socket server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                _sockets.Add(client);
                _sockets.Add(server);
                await server.ConnectAsync(_server, _stop.Token);
                var life = _life;
                _pumps.Add(PumpAsync(client, server, life));
                _pumps.Add(PumpAsync(server, client, life));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Life life)
    {
        var buffer = new byte[16384];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
            {
                // What is sent into a dead connection is taken, and goes nowhere.
                if (!life.IsDeaf)
                {
                    await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
                }
            }

            if (!life.IsDeaf)
            {
                to.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            if (!life.IsDeaf)
            {
                to.Dispose();
            }
        }
    }

    /// <summary>What the connections of one time have in common.</summary>
    private sealed class Life
    {
        public volatile bool IsDeaf;
    }
}
