using System.Buffers;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Packets;
using WebMessenger.Broker.Durable;
using WebMessenger.Broker.Mqtt;

namespace WebMessenger.Broker.Connections;

/// <content>Reading: takes frames from the socket, handles data packets here and gives control packets to MQTTnet.</content>
internal sealed partial class MqttConnection
{
    /// <summary>The first packet may be this long (Remaining Length); nothing is known of the peer yet.</summary>
    private const int FirstPacketBytes = 8 * 1024;

    /// <summary>
    /// The next control packet; null when the connection is over, for whatever reason. MQTTnet 5.2 takes an exception for that too, but passes it on from one method to the next, and
    /// strangers hang up by the hundred. What is thrown all the same is <see cref="MqttCommunicationException"/>: it logs any other type as an error.
    /// </summary>
    public async Task<MqttPacket?> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        var input = _transport.Input;
        try
        {
            // MQTTnet sends acknowledgements from a queue of its own. Waiting for it here gives every client SUBACK first, then what it subscribed to, then
            // the answers to what it sent after.
            await SubscribeAnsweredAsync(cancellationToken);
            while (true)
            {
                var read = await input.ReadAsync(cancellationToken);
                if (read.IsCanceled || _ended.Task.IsCompleted)
                {
                    return null;
                }

                LastHeard = _services.Time.GetTimestamp();
                var buffer = read.Buffer;
                MqttPacket? packet;
                bool needsMore;
                Task? wait;
                try
                {
                    packet = ReadFrames(ref buffer, out needsMore, out wait);
                }
                finally
                {
                    WakeLog();
                }

                input.AdvanceTo(buffer.Start, needsMore ? buffer.End : buffer.Start);
                Flush();
                if (packet is not null)
                {
                    return packet;
                }

                if (wait is not null)
                {
                    // Not read on meanwhile: the peer's own socket slows it down.
                    await Task.WhenAny(wait, _ended.Task);
                }
                else if (read.IsCompleted)
                {
                    return null;
                }
            }
        }
        catch (Violation violation)
        {
            LogViolation(_services.Log, Name, ClientId, violation.Code, violation.Message);
            _ = EndAsync(violation.Code, violation.Message);
            return null;
        }
        catch (Exception error) when (error is MqttProtocolViolationException or IOException or InvalidOperationException)
        {
            // What MQTTnet's decoder refuses, or a transport that fell apart.
            _ = EndAsync(ReasonCode.MalformedPacket, "The packet is malformed.");
            return null;
        }
    }

    // The publishes of one read are written together.
    private void WakeLog()
    {
        if (_logSleeps)
        {
            _logSleeps = false;
            _services.RoomLog.Wake();
        }
    }

    // Handles what is in the buffer, up to the first control packet or the first one that must wait. Moves the buffer's start behind
    // what was handled.
    private MqttPacket? ReadFrames(ref ReadOnlySequence<byte> buffer, out bool needsMore, out Task? wait)
    {
        needsMore = false;
        wait = null;
        while (true)
        {
            // What lies in the buffer behind the end is not accepted any more.
            if (_ended.Task.IsCompleted)
            {
                throw new MqttCommunicationException("The connection was ended by the server.");
            }

            switch (Frame.TryRead(buffer, _isConnected ? _services.Limits.PacketBytes : FirstPacketBytes, out var frame))
            {
                case FrameStatus.Incomplete:
                    needsMore = true;
                    return null;
                case FrameStatus.Malformed:
                    throw new Violation(ReasonCode.MalformedPacket, "The Remaining Length has more than four bytes.");
                case FrameStatus.TooLarge:
                    throw new Violation(ReasonCode.PacketTooLarge, "The packet is larger than this server takes.");
            }

            MqttPacket? packet = null;
            if (!_isConnected)
            {
                packet = ReadConnect(frame);
            }
            else
            {
                CheckHeader(frame);
                var type = frame.Type;
                if (type == PacketType.Publish)
                {
                    wait = HandlePublish(frame);
                    if (wait is not null)
                    {
                        return null;
                    }
                }
                else if (type is PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp)
                {
                    HandleAcknowledgement(type, frame.Body);
                }
                else
                {
                    packet = ReadControl(frame, out wait);
                    if (wait is not null)
                    {
                        return null;
                    }
                }
            }

            buffer = buffer.Slice(frame.Body.End);
            if (packet is not null)
            {
                return packet;
            }
        }
    }

    // Null: it must wait, and be looked at again then.
    private MqttPacket? ReadControl(in Frame frame, out Task? wait)
    {
        wait = null;
        CheckControl(frame);
        switch (frame.Type)
        {
            case PacketType.Subscribe:
                var subscribe = (MqttSubscribePacket)Decode(frame);
                if (MustWait(PriceOf(subscribe), out wait))
                {
                    return null;
                }

                BeginSubscribe(subscribe);
                return subscribe;
            case PacketType.Unsubscribe:
                var unsubscribe = (MqttUnsubscribePacket)Decode(frame);
                if (MustWait(unsubscribe.TopicFilters.Count, out wait))
                {
                    return null;
                }

                BeginUnsubscribe(unsubscribe);
                return unsubscribe;
            case PacketType.PingReq:
                return MqttPingReqPacket.Instance;
            case PacketType.Disconnect:
                var disconnect = (MqttDisconnectPacket)Decode(frame);

                // MQTT 5.0, 3.14.2.1: 0x04 asks for the will to be published all the same.
                _saidGoodbye = (byte)disconnect.ReasonCode != 0x04;
                ChangeExpiry(frame);
                return disconnect;
            case PacketType.Connect:
                // [MQTT-3.1.0-2]
                throw new Violation(ReasonCode.ProtocolError, "A second CONNECT on one connection.");
            default:
                throw new Violation(ReasonCode.ProtocolError, "This packet is not for clients to send.");
        }
    }

    // MQTT 5.0, 3.14.2.2.2: a client may say at the end how long it is kept, but not that it is kept after all. MQTTnet does not tell 0 from nothing.
    private void ChangeExpiry(in Frame frame)
    {
        if (!IsVersion5 || frame.Body.Length <= 1 || PacketProperties.FindNumber(frame.Body.ToArray().AsSpan(1), PropertyId.SessionExpiryInterval) is not { } seconds)
        {
            return;
        }

        if (seconds > 0 && _askedExpiry == 0)
        {
            throw new Violation(ReasonCode.ProtocolError, "A client that connected without session expiry cannot ask for one at the end.");
        }

        SessionExpiry = SessionExpiry == 0 ? 0 : (uint)Math.Min(seconds, DurableClients.MaximumExpiry);
    }

    // [MQTT-2.1.3-1] Reserved bits have the value of the table.
    private void CheckHeader(in Frame frame)
    {
        var expected = frame.Type switch
        {
            PacketType.Publish => frame.Flags,
            PacketType.PubRel or PacketType.Subscribe or PacketType.Unsubscribe => 2,
            _ => 0,
        };
        if (frame.Flags != expected)
        {
            throw new Violation(ReasonCode.MalformedPacket, "Reserved bits of the fixed header are set.");
        }

        if (frame.IsPadded && IsVersion5)
        {
            throw new Violation(ReasonCode.MalformedPacket, "The Remaining Length has more bytes than it needs.");
        }
    }

    private void CheckControl(in Frame frame)
    {
        var code = frame.Type switch
        {
            PacketType.Subscribe => PacketRules.CheckSubscribe(frame.Body.ToArray(), IsVersion5),
            PacketType.Unsubscribe => PacketRules.CheckUnsubscribe(frame.Body.ToArray(), IsVersion5),
            PacketType.Disconnect => PacketRules.CheckDisconnect(frame.Body.ToArray(), IsVersion5),
            PacketType.PingReq when !frame.Body.IsEmpty => ReasonCode.MalformedPacket,
            _ => (byte)0,
        };
        if (code != 0)
        {
            throw new Violation(code, $"The {frame.Type} is malformed.");
        }
    }

    private MqttPacket Decode(in Frame frame)
    {
        try
        {
            return PacketFormatterAdapter.Decode(Received(frame));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // MQTTnet 5.2 says in many ways that it cannot read a packet.
            throw new Violation(ReasonCode.MalformedPacket, "The packet is malformed.");
        }
    }

    private static ReceivedMqttPacket Received(in Frame frame)
    {
        var body = frame.Body.ToArray();
        return new ReceivedMqttPacket(frame.Header, new ArraySegment<byte>(body), body.Length + 2);
    }
}
