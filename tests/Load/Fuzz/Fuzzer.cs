using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Fuzz;

/// <summary>
/// Sends scripts of hostile packets over real sockets, many connections at a time, until so many packets are sent.
/// The same seed makes the same scripts.
/// </summary>
/// <param name="rate">Connections begun a second, at most; 0: as many as the server takes.</param>
internal sealed class Fuzzer(IPEndPoint mqtt, IPEndPoint http, IReadOnlyList<FuzzLogin> logins, int seed, int rate = 0)
{
    private const int AtATime = 16;

    /// <summary>A server that has neither closed nor been reset by then hangs.</summary>
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(30);

    private int _lastScript = -1;
    private long _packets;
    private long _connections;
    private long _answered;
    private long _begun;
    private int _hung;

    public long Packets => Interlocked.Read(ref _packets);

    public long Connections => Interlocked.Read(ref _connections);

    /// <summary>Those that the server answered with a CONNACK: it read them. Behind its limits it closes others unread.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Connections that the server did not end.</summary>
    public int Hung => _hung;

    public Task RunAsync(long packets, CancellationToken cancellation) =>
        Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => Task.Run(() => WorkAsync(packets, cancellation), cancellation)));

    private async Task WorkAsync(long packets, CancellationToken cancellation)
    {
        while (Packets < packets)
        {
            cancellation.ThrowIfCancellationRequested();
            await InTurnAsync(cancellation);
            var number = Interlocked.Increment(ref _lastScript);
            await PlayAsync(new FuzzScript(HashCode(seed, number), logins[number % logins.Count]), cancellation);
        }
    }

    // The first second's worth may go at once, and whoever is late catches up: on the whole it is the rate.
    private async Task InTurnAsync(CancellationToken cancellation)
    {
        if (rate == 0)
        {
            return;
        }

        var since = Interlocked.CompareExchange(ref _begun, Stopwatch.GetTimestamp(), 0);
        var turn = TimeSpan.FromSeconds(((double)_lastScript + 1) / rate);
        var early = since == 0 ? TimeSpan.Zero : turn - Stopwatch.GetElapsedTime(since);
        if (early > TimeSpan.FromMilliseconds(1))
        {
            await Task.Delay(early, cancellation);
        }
    }

    // Not System.HashCode, which differs from run to run.
    private static int HashCode(int seed, int number) => unchecked((seed * 486187739) + (number * 16777619));

    private async Task PlayAsync(FuzzScript script, CancellationToken cancellation)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Interlocked.Increment(ref _connections);
        Task reading = Task.CompletedTask;
        try
        {
            await socket.ConnectAsync(script.IsWebSocket ? http : mqtt, cancellation);
            if (script.IsWebSocket)
            {
                await WebSocketFrames.AskAsync(socket, http, cookie: null, cancellation);
            }

            reading = ReadAwayAsync(socket, script.IsWebSocket);
            foreach (var bytes in script.Writes())
            {
                await socket.SendAsync(bytes, cancellation);
            }

            Interlocked.Add(ref _packets, script.Packets.Count);
            if (script.End == FuzzEnd.HalfClose)
            {
                // A WebSocket of which nothing more can come is aborted, whatever of it is unread.
                if (script.IsWebSocket)
                {
                    await socket.SendAsync(WebSocketFrames.Close, cancellation);
                }
                else
                {
                    socket.Shutdown(SocketShutdown.Send);
                }

                await reading.WaitAsync(CloseTime, cancellation);
            }
            else
            {
                socket.Close(0);
            }
        }
        catch (SocketException)
        {
            // Thrown out in the middle of it: what was written counts.
            Interlocked.Add(ref _packets, script.Packets.Count);
        }
        catch (TimeoutException)
        {
            Interlocked.Increment(ref _hung);
        }

        socket.Close(0);
        await reading;
    }

    private async Task ReadAwayAsync(Socket socket, bool isWebSocket)
    {
        var buffer = new byte[16384];
        try
        {
            // Of a WebSocket, behind the two bytes of its first frame's header.
            var first = await socket.ReceiveAsync(buffer);
            if (first > 2 && buffer[isWebSocket ? 2 : 0] >> 4 == (int)PacketType.ConnAck)
            {
                Interlocked.Increment(ref _answered);
            }

            while (first > 0 && await socket.ReceiveAsync(buffer) > 0)
            {
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // An end like another.
        }
    }
}
