using System.Net;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Crash;

/// <summary>A client that comes back whenever its connection ends, whoever ended it.</summary>
/// <remarks>All of its state is guarded by <see cref="Gate"/>, which is held while packets are handled and while it speaks.</remarks>
internal abstract class CrashClient(string clientId, MqttVersion version, IPEndPoint server, Login login, CrashRecord record, int seed) : IPacketHandler
{
    private const int ShortPauseMilliseconds = 30;

    private readonly List<byte> _written = [];
    private MqttLink? _link;
    private bool _isIn;

    /// <summary>Asked before each connection for where to go; null: always to the one server.</summary>
    public Func<IPEndPoint>? Doors { get; init; }

    /// <summary>Where it went last; null: nowhere yet.</summary>
    public IPEndPoint? At { get; private set; }

    protected Lock Gate { get; } = new();

    protected MqttVersion Version => version;

    protected Login Login => login;

    protected CrashRecord Record => record;

    /// <summary>Under <see cref="Gate"/>.</summary>
    protected Random Chance { get; } = new(seed);

    protected virtual ConnectWish Wish => ConnectWish.Clean;

    /// <summary>For what is received.</summary>
    protected virtual int BufferBytes => 16 * 1024;

    /// <summary>After an attempt that failed.</summary>
    protected virtual TimeSpan Pause => TimeSpan.FromMilliseconds(ShortPauseMilliseconds);

    /// <summary>Connects, and again and again, until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var door = Doors?.Invoke() ?? server;
            At = door;
            if (await MqttLink.TryOpenAsync(door, stop) is not { } link)
            {
                await Task.Delay(Pause, stop);
                continue;
            }

            using var cut = stop.UnsafeRegister(static opened => ((MqttLink)opened!).Cut(), link);
            lock (Gate)
            {
                _link = link;
                Opened();
                Write(Wish.ToPacket(version, clientId, login));
                Flush();
            }

            await link.ReadAsync(this, BufferBytes);
            bool wasIn;
            lock (Gate)
            {
                (wasIn, _isIn, _link) = (_isIn, false, null);
                _written.Clear();
            }

            link.Dispose();
            record.Reconnect();
            if (!wasIn)
            {
                await Task.Delay(Pause, stop);
            }
        }
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        lock (Gate)
        {
            if (packet.Type == PacketType.ConnAck)
            {
                if (packet.ConnectCode != 0)
                {
                    // A server that is stopping may say so; one that refuses its own accounts would never let anybody finish.
                    record.Refuse();
                    return;
                }

                _isIn = true;
                Connected(packet.IsSessionPresent);
            }
            else if (packet.Type != PacketType.Disconnect)
            {
                Handle(packet);
            }
        }
    }

    void IPacketHandler.AllHandled()
    {
        lock (Gate)
        {
            Flush();
        }
    }

    /// <summary>May packets be sent? Under <see cref="Gate"/>.</summary>
    protected bool IsIn => _isIn && _link is not null;

    /// <summary>The socket is connected; nothing was sent yet.</summary>
    protected virtual void Opened()
    {
    }

    protected abstract void Connected(bool isSessionPresent);

    protected abstract void Handle(in ServerPacket packet);

    protected void Write(ReadOnlySpan<byte> packet) => _written.AddRange(packet);

    protected void Flush()
    {
        if (_written.Count > 0)
        {
            _link?.Send(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_written));
            _written.Clear();
        }
    }

    /// <summary>Ends the connection as a failing network does. Under <see cref="Gate"/>.</summary>
    protected void Cut() => _link?.Cut();
}
