using System.Diagnostics;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>
/// A client that subscribes to everything and is open when all retained values have come: checks that each comes once, with its flag and as
/// it was said last.
/// </summary>
internal sealed class Replay(Swarm swarm, int number, int values) : Connection(swarm, number, ReceiveBytes)
{
    private const ushort SubscribeId = 1;
    private const int ReceiveBytes = 64 * 1024;

    private readonly bool[] _came = new bool[values];
    private long _subscribedAt;
    private int _count;

    /// <summary>From writing the SUBSCRIBE to reading the last value, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Ticks { get; private set; }

    public override string ToString() => $"Replay {Number}";

    protected override bool AfterConnect()
    {
        Write(ClientPackets.Subscribe(Swarm.Version, SubscribeId, "#", Swarm.Manner.QualityOfService));
        _subscribedAt = Stopwatch.GetTimestamp();
        return true;
    }

    protected override void Handle(in ServerPacket packet, long now)
    {
        switch (packet.Type)
        {
            case PacketType.Publish:
                Take(packet);
                break;
            case PacketType.SubAck when packet.GrantedQualityOfService == Swarm.Manner.QualityOfService:
                break;
            default:
                Fail($"an unexpected {packet.Type} came");
                break;
        }
    }

    private void Take(in ServerPacket packet)
    {
        var payload = packet.ReadPublish(Swarm.Version, out var packetId);
        if (packetId != 0)
        {
            Acknowledge(packet.QualityOfService, packetId);
        }

        if (!MessageText.TryRead(payload, out var value, out _, out var said, out _) || value >= _came.Length || said != 0)
        {
            Swarm.Problem($"{this} got something that was not said last.");
        }
        else if (_came[value] || !packet.IsRetained)
        {
            Swarm.Problem($"{this} got value {value} {(packet.IsRetained ? "twice" : "as a new one")}.");
        }
        else
        {
            _came[value] = true;
            if (++_count == _came.Length)
            {
                Ticks = Stopwatch.GetTimestamp() - _subscribedAt;
                Opened();
            }
        }
    }
}
