using System.Globalization;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Crash;

/// <summary>How a publisher speaks.</summary>
/// <param name="SendsDuplicates">
/// What is unanswered is sent again as MQTT says, with DUP and the same packet id; otherwise as a new PUBLISH.
/// The message's own id is the same in both.
/// </param>
/// <param name="RelyOnSession">
/// Its messages have no ids of their own: that each is stored once is left to QoS 2 and its MQTT session, which it asks the server to keep.
/// </param>
internal sealed record PublisherPlan(MqttVersion Version, byte QualityOfService, bool SendsDuplicates, bool RelyOnSession = false);

/// <summary>Says messages in bursts, names each, and says it again on the next connection until it is acknowledged.</summary>
/// <param name="isSteady">It does not cut its own connection now and then.</param>
internal sealed class CrashPublisher(int number, PublisherPlan plan, int rooms, double perSecond, IPEndPoint server, Login login, CrashRecord record, int seed, bool isSteady = false)
    : CrashClient($"publisher-{number}", plan.Version, server, login, record, seed)
{
    private const int Window = 20;
    private const uint SessionExpirySeconds = 3600;
    private const int LongestBurst = 6;

    // Once in so many bursts.
    private const int CutsOneIn = 80;
    private const int RepeatsOneIn = 40;

    // JSON that leaves the text's own characters alone, so that what is sent is not all escapes.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<Message> _unanswered = [];
    private readonly int[] _numbers = new int[rooms];
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Message? _lastAnswered;
    private Message? _repeated;
    private ushort _lastPacketId;
    private bool _isFinishing;
    private bool _wasConnected;
    private long _answeredAt;

    /// <summary>When something that it said was acknowledged last, in ticks of <see cref="System.Diagnostics.Stopwatch"/>; 0:
    /// never.</summary>
    public long AnsweredAt => Interlocked.Read(ref _answeredAt);

    /// <summary>Completes when it was told to finish and all that it said is acknowledged.</summary>
    public Task Done => _done.Task;

    /// <summary>Says something now and then, whether the server is there or not.</summary>
    public async Task SpeakAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int count;
            TimeSpan pause;
            lock (Gate)
            {
                count = Chance.Next(1, LongestBurst + 1);
                pause = TimeSpan.FromSeconds(count / perSecond * 2 * Chance.NextDouble());
            }

            await Task.Delay(pause, stop);
            lock (Gate)
            {
                if (_isFinishing)
                {
                    return;
                }

                Burst(count);
            }
        }
    }

    /// <summary>Says nothing new from here on.</summary>
    public void Finish()
    {
        lock (Gate)
        {
            _isFinishing = true;
            TellIfDone();
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"publisher-{number} (MQTT {(plan.Version == MqttVersion.V5 ? "5" : "3.1.1")}, QoS {plan.QualityOfService})");

    protected override ConnectWish Wish => plan.RelyOnSession ? new ConnectWish(IsClean: false, SessionExpirySeconds) : ConnectWish.Clean;

    protected override void Connected(bool isSessionPresent)
    {
        var isBack = _wasConnected;
        _repeated = null;
        if (plan.RelyOnSession && _wasConnected && !isSessionPresent)
        {
            Record.Notice(FaultKind.SessionLost, $"{this} came back and had no session");
        }

        _wasConnected = true;
        if (!isSessionPresent)
        {
            // At QoS 2 PUBREC is the server's word; what has it needs nothing more in a new session.
            _unanswered.RemoveAll(message => message.IsReceived);
        }

        foreach (var message in _unanswered)
        {
            if (message.IsReceived)
            {
                Write(ClientPackets.PubRel(message.PacketId));
            }
            else
            {
                Send(message);
            }
        }

        // So it is known when it talks again, however seldom it has something to say.
        if (isBack && !_isFinishing && _unanswered.Count == 0)
        {
            Burst(1);
        }
    }

    protected override void Handle(in ServerPacket packet)
    {
        var packetId = packet.PacketId;
        var message = _unanswered.Find(one => one.PacketId == packetId);
        switch (packet.Type)
        {
            case PacketType.PubComp when message is { IsReceived: true }:
                _unanswered.Remove(message);
                break;
            case PacketType.PubAck or PacketType.PubRec when message is { IsReceived: false }:
                Answered(message, packet);
                break;
            case PacketType.PubAck when _repeated?.PacketId == packetId:
                // What it is told is judged like any other acknowledgement.
                Answered(_repeated, packet);
                _repeated = null;
                break;
            default:
                Record.Notice(FaultKind.Refused, $"{this} got {packet.Type} {packetId}, which it did not expect");
                break;
        }

        TellIfDone();
    }

    private void Answered(Message message, in ServerPacket packet)
    {
        if (packet.AnswerCode >= 0x80)
        {
            const byte quotaExceeded = 0x97;
            if (packet.AnswerCode != quotaExceeded)
            {
                Record.Notice(FaultKind.Refused, $"{this}: {message.Said.Id} with 0x{packet.AnswerCode:X2}");
            }

            // Not stored, it says: again, on the next connection, with what came after it, so that the order stays.
            Record.Refuse();
            Cut();
            return;
        }

        // Of MQTT 5 only: under which number it is stored.
        var answer = PubAck.Decode(packet.Type, packet.Body);
        var (seq, epoch) = answer is { HasSeq: true, Epoch: { } its } ? (answer.Seq, its) : (0, "");
        if (plan is { Version: MqttVersion.V5, RelyOnSession: false } && seq == 0)
        {
            Record.Notice(FaultKind.WrongNumber, $"{this}: {message.Said.Id} was acknowledged without its seq");
        }

        Record.Acknowledge(message.Said.Room, new Acknowledgement(message.Said.Id, seq, epoch));
        _lastAnswered = message;
        Interlocked.Exchange(ref _answeredAt, System.Diagnostics.Stopwatch.GetTimestamp());
        if (packet.Type == PacketType.PubRec)
        {
            message.IsReceived = true;
            Write(ClientPackets.PubRel(message.PacketId));
        }
        else
        {
            _unanswered.Remove(message);
        }
    }

    private void Burst(int count)
    {
        for (var i = 0; i < count && _unanswered.Count < Window; i++)
        {
            var room = Chance.Next(rooms);
            var message = NewMessage(room);
            _unanswered.Add(message);
            Record.Say(message.Said);
            if (IsIn)
            {
                Send(message);
            }
        }

        // As one whose acknowledgement got lost on the way: with the same id it must not be stored again.
        if (IsIn && plan.QualityOfService == 1 && _repeated is null && _lastAnswered is not null && Chance.Next(RepeatsOneIn) == 0)
        {
            _repeated = _lastAnswered;
            _repeated.PacketId = NextPacketId();
            Send(_repeated, mayBeDuplicate: false);
        }

        Flush();
        if (!isSteady && Chance.Next(CutsOneIn) == 0)
        {
            Cut();
        }
    }

    private Message NewMessage(int room)
    {
        var messageNumber = ++_numbers[room];
        var id = string.Create(CultureInfo.InvariantCulture, $"p{number}-r{room}-{messageNumber:000000}");
        var text = $"{id} olá 😀 \"quoted\" \\ {new string((char)('a' + (messageNumber % 26)), Chance.Next(120))}.";
        var payload = plan.RelyOnSession ? JsonSerializer.SerializeToUtf8Bytes(new { type = "message", text }, Plain) : JsonSerializer.SerializeToUtf8Bytes(new { type = "message", text, id }, Plain);
        return new Message(new Said(id, number, Login.UserName, room, messageNumber, text, HasId: !plan.RelyOnSession), payload)
        {
            PacketId = NextPacketId(),
        };
    }

    private void Send(Message message, bool mayBeDuplicate = true)
    {
        if (message.WasSent)
        {
            Record.SayAgain();
        }

        Write(ClientPackets.Publish(
            plan.Version,
            RoomTopic.Of(message.Said.Room),
            message.Payload,
            plan.QualityOfService,
            packetId: message.PacketId,
            duplicate: message.WasSent && mayBeDuplicate && plan.SendsDuplicates));
        message.WasSent = true;
    }

    private ushort NextPacketId() => _lastPacketId = (ushort)(_lastPacketId == ushort.MaxValue ? 1 : _lastPacketId + 1);

    private void TellIfDone()
    {
        if (_isFinishing && _unanswered.TrueForAll(message => message.IsReceived))
        {
            _done.TrySetResult();
        }
    }

    private sealed record Message(Said Said, byte[] Payload)
    {
        public ushort PacketId { get; set; }

        public bool WasSent { get; set; }

        /// <summary>QoS 2: PUBREC came, PUBCOMP did not yet.</summary>
        public bool IsReceived { get; set; }
    }
}
