using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Load.Servers;

/// <summary>Hands bytes through to a port until it is cut: then nothing comes through, in neither direction and without a word.</summary>
/// <remarks>As when a cable is pulled: connections that there are stay open and are dead, new ones are never answered.</remarks>
internal sealed class TcpWay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private volatile int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, bool> _sockets = [];
    private readonly Task _accepting;

    // Each process whose output is read keeps two threads of the pool waiting (.NET 10 on Linux).
    // What a node's lease needs must not wait for one.
    static TcpWay()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, 64), ports);
    }
    private volatile bool _isCut;
    private volatile Life _life = new();

    /// <param name="target">A port at loopback.</param>
    public TcpWay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>New connections lead there.</summary>
    public void LeadTo(int target) => _target = target;

    public void Cut() => _isCut = true;

    /// <summary>New connections work again; those that were dead are found to be.</summary>
    public void Mend()
    {
        foreach (var (socket, _) in _sockets)
        {
            socket.Dispose();
        }

        _sockets.Clear();
        _isCut = false;
    }

    /// <summary>New connections work again; those that were there stay open and dead, as behind a router that has forgotten them.</summary>
    public void Forget()
    {
        var before = _life;
        _life = new Life();
        before.IsOver = true;
        _isCut = false;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Mend();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        Socket server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        (_sockets[client], _sockets[server]) = (true, true);
        try
        {
            if (!_isCut)
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                await Task.WhenAny(PumpAsync(client, server, _life), PumpAsync(server, client, _life));
                client.Dispose();
                server.Dispose();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            client.Dispose();
            server.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Life life)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
            {
                if (_isCut || life.IsOver)
                {
                    // What is sent into a dead connection is taken, and goes nowhere.
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                }

                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of one is the end of both.
        }
    }

    /// <summary>What the connections of one time have in common.</summary>
    private sealed class Life
    {
        public volatile bool IsOver;
    }
}
