using System.Diagnostics;
using System.Globalization;
using System.Net;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Scenarios;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cut;

/// <summary>When one client had come how far on its way back; by <see cref="Stopwatch"/>, 0: not yet.</summary>
internal sealed record WayBack
{
    public long Connected { get; set; }

    public long Accepted { get; set; }

    public long Subscribed { get; set; }

    /// <summary>It has all that was stored when it was subscribed, as far as publishers had been told by then.</summary>
    public long CaughtUp { get; set; }
}

/// <summary>
/// A member of one room that comes back when it is cut, by `after` and `epoch`, and checks that every event comes once and in order.
/// </summary>
internal sealed class CutMember(int number, int room, TimeSpan pause, IPEndPoint server, Login login, CrashRecord record, int seed)
    : CrashClient(string.Create(CultureInfo.InvariantCulture, $"member-{number}"), MqttVersion.V5, server, login, record, seed)
{
    private string _epoch = "";
    private long _last;
    private long _goal;
    private TaskCompletionSource _back = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Room => room;

    /// <summary>Since it was cut last, or since it began.</summary>
    public WayBack Way { get; private set; } = new();

    public long Last
    {
        get
        {
            lock (Gate)
            {
                return _last;
            }
        }
    }

    public long Deliveries { get; private set; }

    // Not all at once again and again while nobody listens, as clients do it that are meant to come back in crowds.
    protected override TimeSpan Pause => pause * (0.5 + Chance.NextDouble());

    protected override int BufferBytes => 4 * 1024;

    /// <summary>Completes when it is caught up.</summary>
    public Task BackAsync()
    {
        lock (Gate)
        {
            return _back.Task;
        }
    }

    /// <summary>Forgets how it came here, so that its next way back is measured.</summary>
    public void Expect()
    {
        lock (Gate)
        {
            (Way, _goal) = (new WayBack(), long.MaxValue);
            _back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Completes when it has this event.</summary>
    public Task ReachAsync(long seq)
    {
        lock (Gate)
        {
            _goal = seq;
            _back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            TellIfBack();
            return _back.Task;
        }
    }

    public void CutNow()
    {
        lock (Gate)
        {
            Cut();
        }
    }

    protected override void Opened() => Way.Connected = Stopwatch.GetTimestamp();

    protected override void Connected(bool isSessionPresent)
    {
        Way.Accepted = Stopwatch.GetTimestamp();
        (_goal, Way.Subscribed) = (long.MaxValue, 0);
        (string, string) after = ("after", _last.ToString(CultureInfo.InvariantCulture));
        Write(ClientPackets.Subscribe(MqttVersion.V5, 1, RoomTopic.Of(room), 1, _epoch.Length > 0 ? [after, ("epoch", _epoch)] : [after]));
    }

    protected override void Handle(in ServerPacket packet)
    {
        switch (packet.Type)
        {
            case PacketType.SubAck when packet.GrantedQualityOfService == 1:
                Way.Subscribed = Stopwatch.GetTimestamp();
                _goal = Record.HeadOf(room);
                TellIfBack();
                break;
            case PacketType.SubAck:
                Record.Notice(FaultKind.Refused, $"member {number}: SUBSCRIBE was answered with 0x{packet.GrantedQualityOfService:X2}");
                break;
            case PacketType.Publish:
                Hear(packet);
                break;
        }
    }

    private void Hear(in ServerPacket packet)
    {
        var payload = packet.ReadPublish(MqttVersion.V5, out var packetId);
        Write(ClientPackets.PubAck(packetId));
        if (_epoch.Length == 0)
        {
            _epoch = HeardEvent.Read(payload).Epoch;
        }

        Deliveries++;
        var seq = CatchUpProbe.SeqOf(payload);
        if (seq != _last + 1)
        {
            Record.Notice(
                seq <= 0 ? FaultKind.ResetForNothing : seq <= _last ? FaultKind.Repeated : FaultKind.Missed,
                string.Create(CultureInfo.InvariantCulture, $"member {number}, room {room}: {seq} came when {_last + 1} was next"));
        }

        _last = Math.Max(_last, seq);
        TellIfBack();
    }

    private void TellIfBack()
    {
        if (_last >= _goal && !_back.Task.IsCompleted)
        {
            Way.CaughtUp = Stopwatch.GetTimestamp();
            _back.TrySetResult();
        }
    }
}
