using System.Buffers;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What can be said of a frame before anybody decodes it. Each check throws the <see cref="Violation"/> that ends the connection.
/// </summary>
internal static class FrameChecks
{
    /// <summary>A packet that can never be right is judged by its first bytes: nobody waits for the rest of it, or keeps it.</summary>
    /// <param name="isConnected">False: CONNECT is still to come.</param>
    public static void CheckStart(in ReadOnlySequence<byte> buffer, bool isConnected)
    {
        // The first segment may be empty where the packet before has ended with it.
        if (!new SequenceReader<byte>(buffer).TryPeek(out var header))
        {
            return;
        }

        var code = isConnected ? PacketRules.CheckHeader(header)
            : header == (byte)PacketType.Connect << 4 ? (byte)0
            : ReasonCode.ProtocolError;
        if (code != 0)
        {
            throw new Violation(code, "No packet of a client begins like this.");
        }
    }

    /// <summary>[MQTT-2.1.3-1] Reserved bits have the value of the table.</summary>
    public static void CheckHeader(in Frame frame, bool isVersion5)
    {
        var expected = frame.Type switch
        {
            PacketType.Publish => frame.Flags,
            PacketType.PubRel or PacketType.Subscribe or PacketType.Unsubscribe => 2,
            _ => 0,
        };
        if (/* guard: flags of the fixed header */ frame.Flags != expected)
        {
            throw new Violation(ReasonCode.MalformedPacket, "Reserved bits of the fixed header are set.");
        }

        if (frame.IsPadded && isVersion5)
        {
            throw new Violation(ReasonCode.MalformedPacket, "The Remaining Length has more bytes than it needs.");
        }
    }

    /// <summary>What MQTTnet 5.2 does not look at in the packets that it decodes.</summary>
    public static void CheckControl(in Frame frame, bool isVersion5)
    {
        var code = frame.Type switch
        {
            PacketType.Subscribe => PacketRules.CheckSubscribe(frame.Body.ToArray(), isVersion5),
            PacketType.Unsubscribe => PacketRules.CheckUnsubscribe(frame.Body.ToArray(), isVersion5),
            PacketType.Disconnect => PacketRules.CheckDisconnect(frame.Body.ToArray(), isVersion5),
            PacketType.PingReq when !frame.Body.IsEmpty => ReasonCode.MalformedPacket,
            _ => (byte)0,
        };
        if (code != 0)
        {
            throw new Violation(code, $"The {frame.Type} is malformed.");
        }
    }
}
