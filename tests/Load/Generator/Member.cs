using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>
/// A client that hears one room, or none: acknowledges every delivery and checks that each comes once and in order.
/// </summary>
internal sealed class Member(Swarm swarm, int number, int room, int receiveBytes) : Connection(swarm, number, receiveBytes)
{
    private const ushort SubscribeId = 1;

    // By publisher: the number of the message that must come next, which is how many came.
    private readonly int[] _next = room < 0 ? [] : new int[swarm.PublisherCount];

    public int Room { get; } = room;

    /// <summary>Says in which order messages came: equal for two members only if they got the same in the same order.</summary>
    public ulong Order { get; private set; }

    public int NextOf(int publisher) => _next[publisher];

    public void Ping()
    {
        Write(ClientPackets.PingReq);
        Flush();
    }

    public override string ToString() => $"Member {Number}";

    protected override bool AfterConnect()
    {
        if (Room >= 0)
        {
            var filters = Swarm.Manner.Filters(Room);
            Write(ClientPackets.Subscribe(
                Swarm.Version, SubscribeId, Swarm.WatchesPresence ? [.. filters, RoomTopic.Of(Room) + "/presence/+"] : filters, Swarm.Manner.QualityOfService));
        }

        return Room >= 0;
    }

    protected override void Handle(in ServerPacket packet, long now)
    {
        switch (packet.Type)
        {
            case PacketType.Publish:
                Deliver(packet, now);
                break;
            case PacketType.PubRel:
                Write(ClientPackets.Answer(PacketType.PubComp, packet.PacketId));
                break;
            case PacketType.SubAck when packet.GrantedQualityOfService == Swarm.Manner.QualityOfService:
                Opened();
                break;
            case PacketType.SubAck:
                Fail($"SUBSCRIBE was answered with 0x{packet.GrantedQualityOfService:X2}");
                break;
            case PacketType.PingResp:
                Swarm.CountPong();
                break;
            default:
                Swarm.Problem($"{this} got an unexpected {packet.Type}.");
                break;
        }
    }

    private void Deliver(in ServerPacket packet, long now)
    {
        var payload = packet.ReadPublish(Swarm.Version, out var packetId);
        if (packetId != 0)
        {
            Acknowledge(packet.QualityOfService, packetId);
        }

        if (!MessageText.TryRead(payload, out var inRoom, out var publisher, out var messageNumber, out var sentAt))
        {
            return;
        }

        if (inRoom != Room || packet.QualityOfService != Swarm.Manner.QualityOfService)
        {
            Swarm.Problem($"{this} of room {Room} got a message of room {inRoom} at QoS {packet.QualityOfService}.");
            return;
        }

        ref var next = ref _next[publisher];
        if (messageNumber < next)
        {
            Swarm.Problem($"{this} got message {messageNumber} of publisher {publisher} twice, or late: {next} was next.");
            return;
        }

        if (messageNumber > next)
        {
            Swarm.Problem($"{this} got message {messageNumber} of publisher {publisher} when {next} was next.");
            Swarm.GiveUp(messageNumber - next);
        }

        next = messageNumber + 1;
        Order = (Order * 0x9E3779B97F4A7C15) + (((ulong)publisher << 32) | (uint)messageNumber) + 1;
        Swarm.CountDelivery(now - sentAt);
    }
}
