using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using WebMessenger.Load.Measuring;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>
/// Somebody who whispers to themselves sixteen times a second, less often than an account may,
/// and waits for each acknowledgement, whatever else the server has to do.
/// </summary>
/// <remarks>On a thread and a blocking socket of its own: what the generator's other work keeps waiting is not the server's time.</remarks>
internal sealed class HonestClient : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)Patience.TotalMilliseconds };
    private readonly byte[] _publish;
    private readonly byte[] _answer = new byte[4];
    private readonly SyncProbe _disk;

    /// <param name="folder">Of the server, on the disk that it writes to.</param>
    /// <param name="topic">Where it says it instead; null: it whispers to itself.</param>
    public HonestClient(IPEndPoint server, Login login, string folder, string? topic = null)
    {
        _disk = new SyncProbe(folder);
        _publish = ClientPackets.Publish(MqttVersion.V311, topic ?? "users/" + login.UserName, "honest"u8, out var packetIdAt);
        _publish[packetIdAt + 1] = 1;
        _socket.Connect(server);
        _socket.Send(ConnectWish.Clean.ToPacket(MqttVersion.V311, "honest", login));
        Receive();
    }

    /// <summary>From the first byte of a publish to the last of its acknowledgement.</summary>
    public Histogram Times { get; } = new();

    /// <summary>One write and sync in the server's folder after each: the least that a publish that is on disk could take.</summary>
    public Histogram Disk => _disk.Times;

    /// <summary>Whispers until it is told to stop. Fails when the server does not answer or closes the connection.</summary>
    public Task RunAsync(CancellationToken stop)
    {
        Times.Clear();
        Disk.Clear();
        return Task.Factory.StartNew(() => Run(stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _disk.Dispose();
    }

    private void Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var at = Stopwatch.GetTimestamp();
            _socket.Send(_publish);
            Receive();
            Times.Record(Stopwatch.GetTimestamp() - at);
            _disk.Run(1);
            var left = Pace - Stopwatch.GetElapsedTime(at);
            if (left > TimeSpan.Zero)
            {
                stop.WaitHandle.WaitOne(left);
            }
        }
    }

    private void Receive()
    {
        for (var got = 0; got < _answer.Length;)
        {
            var count = _socket.Receive(_answer.AsSpan(got));
            got += count > 0 ? count : throw new LoadException("The server closed the honest client's connection.");
        }
    }
}
