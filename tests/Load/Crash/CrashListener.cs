using System.Globalization;
using System.Net;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Crash;

/// <summary>How a listener hears.</summary>
/// <param name="IsDurable">Its place is the server's to keep; otherwise it catches up by `after`, which takes MQTT 5.</param>
/// <param name="ReceiveMaximum">MQTT 5 only; 0: not said.</param>
/// <param name="SubscribesAgain">
/// On every connection, also when its session is there: as mosquitto_sub does. Without a session it always does.
/// </param>
/// <param name="HearsTwice">
/// It also holds `rooms/+`, which asks for the same events once more. For durable ones: the others may give one filter only.
/// </param>
internal sealed record ListenerPlan(
    bool IsDurable, MqttVersion Version, byte QualityOfService = 1, ushort ReceiveMaximum = 0, bool SubscribesAgain = false, bool HearsTwice = false);

/// <summary>Hears all rooms and writes down every event.</summary>
internal sealed class CrashListener : CrashClient
{
    private const uint SessionExpirySeconds = 3600;

    /// <summary>A durable listener leaves so many events unacknowledged at most.</summary>
    private const int LongestLag = 12;

    private const int CutsOneIn = 400;

    private readonly ListenerPlan _plan;
    private readonly Hearing _hearing;
    private readonly long[] _last;
    private readonly string[] _epochs;
    private readonly Queue<(ushort PacketId, int Room, long Seq)> _held = new();
    private readonly TaskCompletionSource _subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<ushort, int> _subscribing = [];
    private TaskCompletionSource? _reached;
    private long[] _goal = [];
    private int _lag;

    public CrashListener(int number, ListenerPlan plan, int rooms, IPEndPoint server, Login login, CrashRecord record, int seed)
        : base($"listener-{number}", plan.Version, server, login, record, seed)
    {
        _plan = plan;
        var how = plan.IsDurable ? "durable" : $"catch-up, QoS {plan.QualityOfService}";
        _hearing = new Hearing(
            string.Create(CultureInfo.InvariantCulture, $"listener-{number} (MQTT {(plan.Version == MqttVersion.V5 ? "5" : "3.1.1")}, {how}{(plan.ReceiveMaximum > 0 ? $", Receive Maximum {plan.ReceiveMaximum}" : "")})"),
            plan.IsDurable);
        record.Hearings.Add(_hearing);
        (_last, _epochs) = (new long[rooms], new string[rooms]);
        Array.Fill(_epochs, "");
    }

    /// <summary>Completes when it was subscribed to all rooms for the first time.</summary>
    public Task Subscribed => _subscribed.Task;

    public string Name => _hearing.Name;

    protected override ConnectWish Wish => new(!_plan.IsDurable, _plan.IsDurable ? SessionExpirySeconds : 0, _plan.ReceiveMaximum);

    /// <summary>What comes after these is what a durable listener has a right to. Before anybody speaks.</summary>
    public void BeginAfter(IReadOnlyList<long> heads)
    {
        lock (Gate)
        {
            for (var room = 0; room < heads.Count; room++)
            {
                _hearing.Moments.Add(new Moment(MomentKind.Subscribed, room, heads[room], "", 0));
            }
        }
    }

    /// <summary>
    /// Completes when it has heard each room up to these, and let go of it. From here on it stays connected and acknowledges at once.
    /// </summary>
    public Task ReachAsync(IReadOnlyList<long> heads)
    {
        lock (Gate)
        {
            _goal = [.. heads];
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            LetGo(0);
            Flush();
            TellIfReached();
            return _reached.Task;
        }
    }

    /// <summary>Where it is, for when it does not get further.</summary>
    public string Where()
    {
        lock (Gate)
        {
            return string.Join(", ", _last);
        }
    }

    protected override void Connected(bool isSessionPresent)
    {
        _hearing.Moments.Add(new Moment(isSessionPresent ? MomentKind.Resumed : MomentKind.Connected, -1, 0, "", 0));
        _held.Clear();
        _subscribing.Clear();
        _lag = Chance.Next(LongestLag + 1);
        if (_plan.IsDurable)
        {
            if (!isSessionPresent || _plan.SubscribesAgain)
            {
                _subscribing[1] = -1;
                var rooms = Enumerable.Range(0, _last.Length).Select(RoomTopic.Of);
                Write(ClientPackets.Subscribe(_plan.Version, 1, _plan.HearsTwice ? rooms.Append("rooms/+") : rooms, _plan.QualityOfService));
            }

            return;
        }

        for (var room = 0; room < _last.Length; room++)
        {
            var packetId = (ushort)(room + 1);
            _subscribing[packetId] = room;
            (string, string) after = ("after", _last[room].ToString(CultureInfo.InvariantCulture));
            Write(ClientPackets.Subscribe(
                _plan.Version, packetId, RoomTopic.Of(room), _plan.QualityOfService, _epochs[room].Length > 0 ? [after, ("epoch", _epochs[room])] : [after]));
        }
    }

    protected override void Handle(in ServerPacket packet)
    {
        switch (packet.Type)
        {
            case PacketType.SubAck when packet.GrantedQualityOfService != _plan.QualityOfService || !_subscribing.Remove(packet.PacketId):
                Record.Notice(FaultKind.Refused, $"{Name}: SUBSCRIBE {packet.PacketId} was answered with 0x{packet.GrantedQualityOfService:X2}");
                break;
            case PacketType.SubAck:
                if (_subscribing.Count == 0)
                {
                    _subscribed.TrySetResult();
                }

                break;
            case PacketType.Publish:
                Hear(packet);
                break;
            default:
                Record.Notice(FaultKind.Refused, $"{Name} got {packet.Type}, which it did not expect");
                break;
        }
    }

    private void Hear(in ServerPacket packet)
    {
        var heard = HeardEvent.Read(packet.ReadPublish(_plan.Version, out var packetId));
        var room = RoomTopic.NumberOf(heard.Room);
        if (heard.Type == "reset")
        {
            _hearing.Moments.Add(new Moment(MomentKind.Reset, room, heard.Seq, heard.Epoch, heard.Content));
            _last[room] = 0;
        }
        else
        {
            _hearing.Moments.Add(new Moment(MomentKind.Event, room, heard.Seq, heard.Epoch, heard.Content));
            _last[room] = Math.Max(_last[room], heard.Seq);
        }

        _epochs[room] = heard.Epoch;
        if (packetId != 0)
        {
            _held.Enqueue((packetId, room, heard.Seq));
        }

        LetGo(_plan.IsDurable && _reached is null ? _lag : 0);
        TellIfReached();
        if (_reached is null && Chance.Next(CutsOneIn) == 0)
        {
            Flush();
            Cut();
        }
    }

    // Before the acknowledgement leaves: what the server may have heard of, it need not send again.
    private void LetGo(int lag)
    {
        while (_held.Count > lag)
        {
            var (packetId, room, seq) = _held.Dequeue();
            _hearing.Moments.Add(new Moment(MomentKind.Acknowledged, room, seq, "", 0));
            Write(ClientPackets.PubAck(packetId));
        }
    }

    private void TellIfReached()
    {
        if (_reached is not null && Enumerable.Range(0, _goal.Length).All(room => _last[room] >= _goal[room]))
        {
            _reached.TrySetResult();
        }
    }
}
