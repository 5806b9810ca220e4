using System.Buffers.Binary;
using System.Diagnostics;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Scenarios;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Chat;

/// <summary>
/// One person's page, open on one room. It does what the pages of the project do: a WebSocket with the cookie, CONNECT, the inbox, read
/// positions, who is here, who types, the history over HTTP, and then the room's events from the history's end on.
/// Checks that no event is missing from there.
/// </summary>
/// <remarks>
/// What is written here by the reading and by the speaking side is guarded by the crowd's gate; sending, too, so that frames stay whole.
/// </remarks>
internal sealed class ChatPage : IPacketHandler, IDisposable
{
    /// <summary>Below the server's Receive Maximum.</summary>
    private const int UnderWayAtMost = 100;

    private const ushort AroundId = 1, EventsId = 2, FirstMessageId = 16;

    private readonly ChatCrowd _crowd;
    private readonly MqttLink _link;
    private readonly Dictionary<ushort, long> _sentAt = [];
    private readonly Dictionary<PacketType, TaskCompletionSource> _answers = [];
    private readonly List<byte> _acknowledgements = [];
    private ushort _lastId = FirstMessageId;
    private bool _isClosed;

    private ChatPage(ChatCrowd crowd, MqttLink link, int room)
    {
        (_crowd, _link, Room) = (crowd, link, room);
    }

    public int Room { get; }

    /// <summary>The newest event that it has.</summary>
    public long Seq { get; private set; }

    /// <summary>Messages that it said and that are not acknowledged.</summary>
    public int UnderWay => _sentAt.Count;

    /// <summary>Returns when the room's events are on their way.</summary>
    public static async Task<ChatPage> OpenAsync(ChatCrowd crowd, Browser browser, Person person, CancellationToken cancellation)
    {
        var link = await MqttLink.TryOpenAsync(crowd.Door, person.Cookie, cancellation) ?? throw new LoadException("The server does not listen any more.");
        ChatPage page = new(crowd, link, person.Room);
        try
        {
            var start = Stopwatch.GetTimestamp();
            _ = page.ReadAsync();
            await page.AskAsync(PacketType.ConnAck, ConnectWish.Clean.ToPacket(MqttVersion.V5, $"page-{person.UserName}", null), cancellation);
            var (room, me) = (RoomTopic.Of(person.Room), $"users/{person.UserName}");
            var around = page.AskAsync(PacketType.SubAck, ClientPackets.Subscribe(MqttVersion.V5, AroundId, [me, $"{me}/read", $"{me}/read/+", $"{room}/people", $"{room}/info", $"{room}/typing"], 0), cancellation);
            var (head, epoch, _) = await browser.HistoryAsync(person.Cookie, person.Room, cancellation);
            var history = Stopwatch.GetTimestamp();
            await around;
            page.Seq = head;
            await page.AskAsync(PacketType.SubAck, ClientPackets.Subscribe(MqttVersion.V5, EventsId, room, 1, ("after", FormattableString.Invariant($"{head}")), ("epoch", epoch)), cancellation);
            crowd.CountEntry(history - start, Stopwatch.GetTimestamp() - start);
            return page;
        }
        catch
        {
            page.Dispose();
            throw;
        }
    }

    /// <summary>Under the crowd's gate. False: too much is under way.</summary>
    public bool Say(byte[] command)
    {
        if (_sentAt.Count >= UnderWayAtMost)
        {
            return false;
        }

        do
        {
            _lastId = _lastId == ushort.MaxValue ? FirstMessageId : (ushort)(_lastId + 1);
        }
        while (_sentAt.ContainsKey(_lastId));
        var packet = ClientPackets.Publish(MqttVersion.V5, RoomTopic.Of(Room), command, out var packetIdAt);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(packetIdAt), _lastId);
        _sentAt[_lastId] = Stopwatch.GetTimestamp();
        _link.Send(packet);
        return true;
    }

    /// <summary>As when the tab is closed.</summary>
    public void Dispose()
    {
        lock (_crowd.Gate)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _link.Send(ClientPackets.Disconnect);
            }
        }

        _link.Dispose();
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        var now = Stopwatch.GetTimestamp();
        lock (_crowd.Gate)
        {
            switch (packet.Type)
            {
                case PacketType.ConnAck when packet.ConnectCode != 0:
                    Fail(packet.Type, $"CONNECT was refused with 0x{packet.ConnectCode:X2}");
                    break;
                case PacketType.SubAck when packet.GrantedQualityOfService >= 0x80:
                    Fail(packet.Type, $"SUBSCRIBE was answered with 0x{packet.GrantedQualityOfService:X2}");
                    break;
                case PacketType.ConnAck or PacketType.SubAck:
                    _answers[packet.Type].TrySetResult();
                    break;
                case PacketType.PubAck when packet.AnswerCode < 0x80 && _sentAt.Remove(packet.PacketId, out var sentAt):
                    _crowd.CountAcknowledgement(now - sentAt);
                    break;
                case PacketType.Publish:
                    Hear(packet, now);
                    break;
                default:
                    _crowd.Problem($"A page got an unexpected {packet.Type}, 0x{packet.AnswerCode:X2}.");
                    break;
            }
        }
    }

    void IPacketHandler.AllHandled()
    {
        lock (_crowd.Gate)
        {
            if (_acknowledgements.Count > 0 && !_isClosed)
            {
                _link.Send(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_acknowledgements));
                _acknowledgements.Clear();
            }
        }
    }

    private void Hear(in ServerPacket packet, long now)
    {
        var payload = packet.ReadPublish(MqttVersion.V5, out var packetId);
        if (packetId != 0)
        {
            _acknowledgements.AddRange(ClientPackets.PubAck(packetId));
        }

        // Presence and the like come at QoS 0, and have no number.
        if (packetId == 0 || CatchUpProbe.SeqOf(payload) is not (> 0 and var seq))
        {
            return;
        }

        if (seq != Seq + 1)
        {
            _crowd.Problem($"A page of room {Room} got event {seq} when {Seq + 1} was next.");
        }

        Seq = seq;
        if (MessageText.TryRead(payload, out var inRoom, out _, out _, out var sentAt))
        {
            _crowd.CountDelivery(now - sentAt);
            if (inRoom != Room)
            {
                _crowd.Problem($"A page of room {Room} got a message of room {inRoom}.");
            }
        }
    }

    private Task AskAsync(PacketType answer, byte[] packet, CancellationToken cancellation)
    {
        lock (_crowd.Gate)
        {
            var asked = _answers[answer] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _link.Send(packet);
            return asked.Task.WaitAsync(ChatCrowd.Patience, cancellation);
        }
    }

    private void Fail(PacketType answer, string why) => _answers[answer].TrySetException(new LoadException(why + "."));

    private async Task ReadAsync()
    {
        await _link.ReadAsync(this, 16 * 1024);
        lock (_crowd.Gate)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _crowd.Problem($"A page of room {Room} lost its connection.");
            }
        }
    }
}

/// <summary>Somebody with an account who is signed in, and the room that they come to.</summary>
internal sealed record Person(string UserName, string Cookie, int Room);
