using System.Buffers.Binary;
using System.Diagnostics;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>A client that keeps a window of unacknowledged publishes full, for as long as the swarm has messages to give.</summary>
internal sealed class Publisher : Connection
{
    private const int ReceiveBytes = 4 * 1024;

    private readonly Target[] _targets;
    private readonly int[] _targetOfRoom;
    private readonly int _textLength;

    // By packet id, which goes from 1 to the window's size: when its publish was sent. 0: the id is free.
    private readonly long[] _sentAt;
    private readonly Queue<ushort> _freeIds;
    private int _turn;

    public Publisher(Swarm swarm, int number, int index, int[] rooms, int window, int textLength)
        : base(swarm, number, ReceiveBytes)
    {
        (Index, _textLength) = (index, textLength);
        _targets = [.. rooms.Select(room => new Target(swarm, room, index, textLength))];
        _targetOfRoom = new int[rooms.Max() + 1];
        Array.Fill(_targetOfRoom, -1);
        for (var i = 0; i < rooms.Length; i++)
        {
            _targetOfRoom[rooms[i]] = i;
        }

        _sentAt = new long[window + 1];
        _freeIds = new Queue<ushort>(Enumerable.Range(1, window).Select(id => (ushort)id));
    }

    /// <summary>Of all publishers of the swarm, from 0.</summary>
    public int Index { get; }

    public int SentTo(int room) => room < _targetOfRoom.Length && _targetOfRoom[room] is >= 0 and var target ? _targets[target].Sent : 0;

    /// <summary>Publishes until the window is full or there is nothing to publish.</summary>
    public void Fill()
    {
        WriteMessages();
        Flush();
    }

    public override string ToString() => $"Publisher {Index}";

    protected override bool AfterConnect() => false;

    protected override void Handle(in ServerPacket packet, long now)
    {
        if (packet.Type != Last && (packet.Type != PacketType.PubRec || Last != PacketType.PubComp))
        {
            Swarm.Problem($"{this} got an unexpected {packet.Type}.");
            return;
        }

        var id = packet.PacketId;
        if (id >= _sentAt.Length || _sentAt[id] == 0)
        {
            Swarm.Problem($"{this} got a {packet.Type} for packet id {id}, which is not in use.");
            return;
        }

        if (packet.AnswerCode >= 0x80)
        {
            Fail($"a message was refused with 0x{packet.AnswerCode:X2}");
            return;
        }

        if (packet.Type == PacketType.PubRec)
        {
            Write(ClientPackets.PubRel(id));
            return;
        }

        var ticks = now - _sentAt[id];
        _sentAt[id] = 0;
        _freeIds.Enqueue(id);
        Swarm.CountAcknowledgement(ticks);
        WriteMessages();
    }

    /// <summary>What says that a publish has been taken for good.</summary>
    private PacketType Last => Swarm.Manner.QualityOfService == 2 ? PacketType.PubComp : PacketType.PubAck;

    private void WriteMessages()
    {
        while (_freeIds.Count > 0 && Swarm.TakeMessage(_targets[_turn].Room))
        {
            PublishTo(_targets[_turn], _freeIds.Dequeue());
            _turn = (_turn + 1) % _targets.Length;
        }
    }

    private void PublishTo(Target target, ushort packetId)
    {
        var packet = Reserve(target.Packet.Length);
        target.Packet.CopyTo(packet);
        MessageText.Stamp(packet[^_textLength..], target.Sent++);
        if (Swarm.Manner.QualityOfService == 0)
        {
            _freeIds.Enqueue(packetId);
            Swarm.CountAcknowledgement(0);
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(packet[target.PacketIdAt..], packetId);
        _sentAt[packetId] = Stopwatch.GetTimestamp();
    }

    /// <summary>A room and the PUBLISH to it, but for packet id, number and time.</summary>
    private sealed class Target
    {
        public Target(Swarm swarm, int room, int publisher, int textLength)
        {
            const int packetIdLength = 2, noProperties = 1;
            Room = room;
            var manner = swarm.Manner;
            Packet = ClientPackets.Publish(
                swarm.Version, manner.Topic(room), MessageText.Create(textLength, room, publisher), manner.QualityOfService, manner.Retains);
            PacketIdAt = Packet.Length - textLength - packetIdLength - (swarm.Version == MqttVersion.V5 ? noProperties : 0);
        }

        public int Room { get; }

        public byte[] Packet { get; }

        /// <summary>Of no meaning at QoS 0.</summary>
        public int PacketIdAt { get; }

        public int Sent { get; set; }
    }
}
