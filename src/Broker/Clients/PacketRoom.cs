using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Clients;

/// <summary>How long a client's packets may be, and what the unfinished ones of all clients together may take.</summary>
/// <remarks>The receive side's; but for <see cref="Forget"/>, when that is over.</remarks>
internal sealed class PacketRoom(BrokerLimits limits, TrafficMemory memory)
{
    private WaitingShare _share = new(memory.Assembling);

    /// <summary>It may write data: decided at CONNECT, whose answer says how long a packet may be.</summary>
    public bool MayBeData { get; set; }

    /// <summary>Bytes.</summary>
    public int Longest => MayBeData ? limits.DataPacketBytes : limits.PacketBytes;

    /// <summary>So much of a packet is here that has not come to its end; 0: of none. False: more of all clients than may be.</summary>
    /// <remarks>What every client may have costs little: beyond it, it counts.</remarks>
    public bool TryHold(long bytes)
    {
        var counted = (int)Math.Max(0, bytes - limits.PacketBytes);
        _share.Tell(counted);
        return counted == 0 || /* guard: packets that are put together, of all clients */ !memory.Assembling.IsFull;
    }

    public void Forget() => _share.Tell(0);
}
