using System.Diagnostics;
using System.Net.Sockets;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>One client on a socket, plain or as a WebSocket: reads packets, and sends what was written since in one go.</summary>
/// <remarks>
/// Everything runs under the swarm's gate; what is sent or received meanwhile belongs to the socket until its completion has run.
/// </remarks>
internal abstract class Connection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SocketAsyncEventArgs _receive = new(true);
    private readonly SocketAsyncEventArgs _send = new(true);
    private readonly Door _door;
    private readonly WebSocketFrames? _frames;
    private readonly int _headroom;
    private byte[] _received;
    private int _receivedCount;
    private byte[] _written = new byte[256];
    private int _writtenCount;
    private byte[] _sending = new byte[256];
    private bool _isSending;
    private bool _isClosed;
    private byte[]? _connect;

    protected Connection(Swarm swarm, int number, int receiveBytes)
    {
        (Swarm, Number) = (swarm, number);
        _door = swarm.DoorOf(number);
        _frames = _door.IsWebSocket ? new WebSocketFrames() : null;
        _headroom = _writtenCount = _frames is null ? 0 : WebSocketFrames.Headroom;
        _received = new byte[receiveBytes];
        _receive.Completed += (_, _) => OnReceived();
        _send.Completed += (_, _) => OnSent();
    }

    /// <summary>Of all connections of the swarm, from 0.</summary>
    public int Number { get; }

    protected Swarm Swarm { get; }

    /// <summary>
    /// Connects, signs in and does what <see cref="AfterConnect"/> asks for;
    /// <see cref="Swarm.Opened"/> is told when that is done, <see cref="Swarm.Lost"/> when it fails.
    /// </summary>
    public void Open(Login? login)
    {
        _connect = ConnectWish.Clean.ToPacket(Swarm.Version, $"{Swarm.ClientIds}-{Number}", login);
        SocketAsyncEventArgs connecting = new(true) { RemoteEndPoint = _door.Address };
        connecting.Completed += (_, _) => OnConnected(connecting);
        if (!_socket.ConnectAsync(connecting))
        {
            OnConnected(connecting);
        }
    }

    public void Dispose()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            Write(ClientPackets.Disconnect);
            Flush();
        }

        _socket.Dispose();
        _receive.Dispose();
        _send.Dispose();
    }

    /// <summary>Writes what else is to be answered before the connection is <see cref="Opened"/>; false: nothing.</summary>
    protected abstract bool AfterConnect();

    /// <param name="now">When the bytes were read.</param>
    protected abstract void Handle(in ServerPacket packet, long now);

    protected void Opened() => Swarm.Opened();

    protected void Write(ReadOnlySpan<byte> packet) => packet.CopyTo(Reserve(packet.Length));

    /// <summary>Room for so many bytes behind what is written; counts as written at once.</summary>
    protected Span<byte> Reserve(int length)
    {
        if (_written.Length - _writtenCount < length)
        {
            Array.Resize(ref _written, Math.Max(_written.Length * 2, _writtenCount + length));
        }

        var reserved = _written.AsSpan(_writtenCount, length);
        _writtenCount += length;
        return reserved;
    }

    /// <summary>Sends what is written, unless a send is under way: then that takes it along when it is done.</summary>
    protected void Flush()
    {
        while (!_isSending && _writtenCount > _headroom)
        {
            (_written, _sending) = (_sending, _written);
            var start = _frames is null ? 0 : WebSocketFrames.Wrap(_sending.AsSpan(0, _writtenCount));
            _send.SetBuffer(_sending, start, _writtenCount - start);
            _writtenCount = _headroom;
            _isSending = true;
            try
            {
                if (_socket.SendAsync(_send))
                {
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                return;
            }

            if (!Sent())
            {
                return;
            }
        }
    }

    /// <summary>Answers a PUBLISH: PUBACK at QoS 1, PUBREC at QoS 2.</summary>
    protected void Acknowledge(byte qualityOfService, ushort packetId)
    {
        var acknowledgement = Reserve(4);
        acknowledgement[0] = (byte)((int)(qualityOfService == 2 ? PacketType.PubRec : PacketType.PubAck) << 4);
        acknowledgement[1] = 2;
        acknowledgement[2] = (byte)(packetId >> 8);
        acknowledgement[3] = (byte)packetId;
    }

    protected void Fail(string why)
    {
        if (!_isClosed)
        {
            _isClosed = true;
            _socket.Dispose();
            Swarm.Lost(this, why);
        }
    }

    private void OnConnected(SocketAsyncEventArgs connecting)
    {
        var error = connecting.SocketError;
        connecting.Dispose();
        lock (Swarm.Gate)
        {
            if (_isClosed)
            {
                return;
            }

            if (error != SocketError.Success)
            {
                Fail($"connecting: {error}");
            }
            else if (_frames is not null)
            {
                _ = UpgradeAsync();
            }
            else
            {
                SendConnect();
            }
        }
    }

    private async Task UpgradeAsync()
    {
        string? refused = null;
        try
        {
            await WebSocketFrames.UpgradeAsync(_socket, _door.Address, cookie: null, CancellationToken.None);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            refused = error.Message;
        }

        lock (Swarm.Gate)
        {
            if (refused is not null)
            {
                Fail(refused);
            }
            else if (!_isClosed)
            {
                SendConnect();
            }
        }
    }

    private void SendConnect()
    {
        Write(_connect);
        _connect = null;
        Flush();
        Receive();
    }

    private void OnSent()
    {
        lock (Swarm.Gate)
        {
            if (Sent())
            {
                Flush();
            }
        }
    }

    // A stream socket's asynchronous send is done when all is sent.
    private bool Sent()
    {
        _isSending = false;
        if (_send.SocketError != SocketError.Success)
        {
            Fail($"sending: {_send.SocketError}");
            return false;
        }

        return true;
    }

    private void OnReceived()
    {
        lock (Swarm.Gate)
        {
            if (Received())
            {
                Receive();
            }
        }
    }

    private void Receive()
    {
        do
        {
            if (_isClosed)
            {
                return;
            }

            _receive.SetBuffer(_received, _receivedCount, _received.Length - _receivedCount);
            try
            {
                if (_socket.ReceiveAsync(_receive))
                {
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
        while (Received());
    }

    private bool Received()
    {
        if (_isClosed)
        {
            return false;
        }

        if (_receive.SocketError != SocketError.Success || _receive.BytesTransferred == 0)
        {
            Fail(_receive.SocketError == SocketError.Success ? "the server closed it" : $"receiving: {_receive.SocketError}");
            return false;
        }

        var count = _frames is null ? _receive.BytesTransferred : _frames.Unwrap(_received.AsSpan(_receivedCount, _receive.BytesTransferred));
        if (count < 0)
        {
            Fail("the server closed its WebSocket");
            return false;
        }

        _receivedCount += count;
        var now = Stopwatch.GetTimestamp();
        var at = 0;
        while (ServerPacket.TryRead(_received.AsSpan(at, _receivedCount - at), out var packet))
        {
            if (packet.Type == PacketType.ConnAck && packet.ConnectCode != 0)
            {
                Fail($"CONNECT was refused with 0x{packet.ConnectCode:X2}");
            }
            else if (packet.Type == PacketType.ConnAck)
            {
                if (!AfterConnect())
                {
                    Opened();
                }
            }
            else if (packet.Type == PacketType.Disconnect)
            {
                Fail($"the server said DISCONNECT 0x{packet.DisconnectCode:X2}");
            }
            else
            {
                Handle(packet, now);
            }

            at += packet.Length;
        }

        _receivedCount -= at;
        if (at > 0)
        {
            _received.AsSpan(at, _receivedCount).CopyTo(_received);
        }
        else if (_receivedCount == _received.Length)
        {
            Array.Resize(ref _received, _received.Length * 2);
        }

        Flush();
        return !_isClosed;
    }
}
