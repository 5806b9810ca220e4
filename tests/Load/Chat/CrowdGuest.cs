using WebMessenger.Load.Generator;
using WebMessenger.Load.Scenarios;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Chat;

/// <summary>
/// One guest's page, open on one room, which asks for what the pages of the project ask for and takes what comes.
/// Counts the bytes, and remembers that it was cut off.
/// </summary>
internal sealed class CrowdGuest : IPacketHandler, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MqttLink _link;
    private readonly Lock _gate = new();
    private readonly List<byte> _acknowledgements = [];
    private TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private bool _isClosed;

    private CrowdGuest(MqttLink link) => _link = link;

    /// <summary>Bytes of MQTT that came so far.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>The server has ended the connection.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>Returns when the room's events are on their way.</summary>
    public static async Task<CrowdGuest> EnterAsync(Door door, Browser browser, string nickname, string room, CancellationToken cancellation)
    {
        var (cookie, user) = await browser.EnterAsync(nickname, cancellation);
        var link = await MqttLink.TryOpenAsync(door, cookie, cancellation) ?? throw new LoadException("The server does not listen any more.");
        CrowdGuest guest = new(link);
        try
        {
            _ = guest.ReadAsync();
            await guest.AskAsync(ConnectWish.Clean.ToPacket(MqttVersion.V5, $"page-{user}", null), cancellation);
            var me = $"users/{user}";
            await guest.AskAsync(ClientPackets.Subscribe(MqttVersion.V5, 1, [me, $"{me}/unread", $"{me}/read", $"{me}/read/+"], 0), cancellation);
            await guest.AskAsync(ClientPackets.Subscribe(MqttVersion.V5, 2, [$"rooms/{room}/people", $"rooms/{room}/info", $"rooms/{room}/typing"], 0), cancellation);
            var (head, epoch, _) = await browser.HistoryAsync(cookie, room, cancellation);
            await guest.AskAsync(ClientPackets.Subscribe(MqttVersion.V5, 3, $"rooms/{room}", 1, ("after", FormattableString.Invariant($"{head}")), ("epoch", epoch)), cancellation);
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        _link.Dispose();
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        Interlocked.Add(ref _bytes, packet.Length);
        lock (_gate)
        {
            switch (packet.Type)
            {
                case PacketType.ConnAck when packet.ConnectCode != 0:
                    _answered.TrySetException(new LoadException($"CONNECT was refused with 0x{packet.ConnectCode:X2}."));
                    break;
                case PacketType.SubAck when packet.GrantedQualityOfService >= 0x80:
                    _answered.TrySetException(new LoadException($"SUBSCRIBE was answered with 0x{packet.GrantedQualityOfService:X2}."));
                    break;
                case PacketType.ConnAck or PacketType.SubAck:
                    _answered.TrySetResult();
                    break;
                case PacketType.Publish:
                    packet.ReadPublish(MqttVersion.V5, out var packetId);
                    if (packetId != 0)
                    {
                        _acknowledgements.AddRange(ClientPackets.PubAck(packetId));
                    }

                    break;
            }
        }
    }

    void IPacketHandler.AllHandled()
    {
        lock (_gate)
        {
            if (_acknowledgements.Count > 0 && !_isClosed)
            {
                _link.Send(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_acknowledgements));
                _acknowledgements.Clear();
            }
        }
    }

    private Task AskAsync(byte[] packet, CancellationToken cancellation)
    {
        lock (_gate)
        {
            _answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _link.Send(packet);
            return _answered.Task.WaitAsync(Patience, cancellation);
        }
    }

    private async Task ReadAsync()
    {
        await _link.ReadAsync(this, 4 * 1024);
        lock (_gate)
        {
            IsCutOff = !_isClosed;
            _answered.TrySetException(new LoadException("The server closed a guest's connection."));
            _ = _answered.Task.Exception;
        }
    }
}
