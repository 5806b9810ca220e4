using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WebMessenger.Load.Scenarios;

/// <summary>One address that wants as many sockets as it can get and opens each anew that the server closes.</summary>
/// <param name="doors">Where the server listens, by scheme: http, https, mqtt, mqtts.</param>
internal sealed class Strangers(IReadOnlyDictionary<string, IPEndPoint> doors, IPAddress address, int wanted)
{
    /// <summary>Two hundred a second in turns of four: more than the server lets in.</summary>
    private const int OpenedInARow = 4;

    private static readonly TimeSpan TurnPeriod = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan SlowPeriod = TimeSpan.FromSeconds(1);

    private static readonly byte[] Upgrade = Encoding.ASCII.GetBytes(
        "GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");

    private static readonly byte[] HalfConnect = [0x10, 0x20, 0, 4, (byte)'M', (byte)'Q'];
    private static readonly byte[] HalfHello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + new string('a', 1_000));

    private readonly Way[] _ways =
    [
        new("http", default, default),
        new("http", Request.AsMemory(0, 30), default),
        new("http", default, Request),
        new("http", Upgrade, default),
        new("https", default, default),
        new("https", HalfHello, default),
        new("mqtt", default, default),
        new("mqtt", default, HalfConnect),
        new("mqtts", default, default),
        new("mqtts", HalfHello, default),
    ];

    private readonly List<HeldSocket> _held = [];
    private readonly byte[] _nothing = new byte[4096];
    private int _count;
    private long _opened;

    /// <summary>How many it holds at this moment, those among them whose end was not seen yet.</summary>
    public int Held => Volatile.Read(ref _count);

    public long Opened => Interlocked.Read(ref _opened);

    public async Task AttackAsync(CancellationToken enough)
    {
        try
        {
            using PeriodicTimer turn = new(TurnPeriod);
            var looked = Stopwatch.GetTimestamp();
            do
            {
                LetGo();
                if (Stopwatch.GetElapsedTime(looked) >= SlowPeriod)
                {
                    looked = Stopwatch.GetTimestamp();
                    _held.ForEach(held => held.SaySomething());
                }

                for (var i = 0; i < OpenedInARow && _held.Count < wanted; i++)
                {
                    await OpenAsync(_ways[(int)(_opened % _ways.Length)], enough);
                }

                Volatile.Write(ref _count, _held.Count);
            }
            while (await turn.WaitForNextTickAsync(enough));
        }
        catch (OperationCanceledException) when (enough.IsCancellationRequested)
        {
            // Enough.
        }
        finally
        {
            _held.ForEach(held => held.Socket.Close(0));
        }
    }

    private async Task OpenAsync(Way way, CancellationToken enough)
    {
        Interlocked.Increment(ref _opened);
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(address, 0));
            await socket.ConnectAsync(doors[way.Scheme], enough);
            await socket.SendAsync(way.First, enough);
            HeldSocket held = new(socket, way, Stopwatch.GetTimestamp());
            _held.Add(held);
            _ = held.WatchAsync(_nothing);
        }
        catch (SocketException)
        {
            socket.Close(0);
        }
        catch
        {
            socket.Close(0);
            throw;
        }
    }

    private void LetGo()
    {
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            if (_held[i].IsOver)
            {
                _held[i].Socket.Close(0);
                _held[i] = _held[^1];
                _held.RemoveAt(_held.Count - 1);
            }
        }
    }

    /// <summary>Says this at once, and the rest a byte a second.</summary>
    private sealed record Way(string Scheme, ReadOnlyMemory<byte> First, ReadOnlyMemory<byte> Slowly);

    private sealed class HeldSocket(Socket socket, Way way, long openedAt)
    {
        private volatile bool _isOver;
        private int _said;

        public Socket Socket => socket;

        public bool IsOver => _isOver;

        /// <summary>Reads away what the server says, until it closes.</summary>
        public async Task WatchAsync(byte[] nothing)
        {
            try
            {
                while (await socket.ReceiveAsync(nothing) > 0)
                {
                    // An answer to half a request, or a close frame.
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Reset by the server, or closed by us.
            }

            _isOver = true;
        }

        public void SaySomething()
        {
            var due = (int)Math.Min(Stopwatch.GetElapsedTime(openedAt).TotalSeconds, way.Slowly.Length);
            if (due <= _said || _isOver)
            {
                return;
            }

            try
            {
                _said += socket.Send(way.Slowly.Span[_said..due]);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                _isOver = true;
            }
        }
    }
}
