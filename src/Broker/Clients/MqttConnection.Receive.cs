using System.Buffers;
using System.IO.Pipelines;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Packets;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>Reading: takes frames from the socket, handles data packets here and gives control packets to MQTTnet.</content>
internal sealed partial class MqttConnection
{
    /// <summary>The first packet may be this long (Remaining Length); nothing is known of the peer yet.</summary>
    private const int FirstPacketBytes = 8 * 1024;

    private bool _isUnread;

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
                if (AnswersTaken() is { } taken)
                {
                    // The peer does not read: its own socket slows it down, and the sweep ends it if that goes on.
                    await UnreadAsync(taken);
                }

                var read = _held is { Count: > 0 } ? await ReadBesideHeldAsync(cancellationToken) : await input.ReadAsync(cancellationToken);
                if (read.IsCanceled || _ended.Task.IsCompleted)
                {
                    return null;
                }

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

                if (wait is not null || buffer.Length < read.Buffer.Length)
                {
                    LastHeard = _services.Time.GetTimestamp();
                }

                input.AdvanceTo(buffer.Start, needsMore ? buffer.End : buffer.Start);
                Flush();
                if (packet is MqttSubscribePacket or MqttUnsubscribePacket)
                {
                    return await TurnAsync() ? packet : null;
                }

                if (packet is not null)
                {
                    return packet;
                }

                if (wait is not null)
                {
                    // Not read on meanwhile: the peer's own socket slows it down.
                    await UnreadAsync(wait);
                }
                else if (read.IsCompleted)
                {
                    await TakeAllHeldAsync();
                    return null;
                }
            }
        }
        catch (Violation violation)
        {
            if (_services.Refusals.Try("connections closed for what they sent", _transport.RemoteEndPoint?.Address))
            {
                LogViolation(_services.Log, Name, ClientId, violation.Code, violation.Message);
            }

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

    // Nothing is read meanwhile, nor is it waited that the client takes its answers: others of the account stand behind one whose turn comes, and a client that does
    // not read must not hold them up. False: the connection was ended first.
    private async ValueTask<bool> TurnAsync()
    {
        while (Turn() is { } wait)
        {
            await UnreadAsync(wait);
            if (_ended.Task.IsCompleted)
            {
                return false;
            }
        }

        BeginRequest();
        return true;
    }

    // The client waits for the server, which does not read it meanwhile: its keep-alive time begins anew when it is read on.
    private async Task UnreadAsync(Task until)
    {
        Volatile.Write(ref _isUnread, true);
        await Task.WhenAny(until, _ended.Task);
        LastHeard = _services.Time.GetTimestamp();
        Volatile.Write(ref _isUnread, false);
    }

    // Deals with what is held, as it is paid for, until there is something to read.
    private async Task<ReadResult> ReadBesideHeldAsync(CancellationToken cancellationToken)
    {
        var reading = _transport.Input.ReadAsync(cancellationToken).AsTask();
        while (TakeHeldAtOnce() is { } turn && !reading.IsCompleted && !_ended.Task.IsCompleted)
        {
            await Task.WhenAny(reading, turn, _ended.Task);
        }

        return await reading;
    }

    // The client has said all: what it was told nothing of yet is dealt with all the same.
    private async Task TakeAllHeldAsync()
    {
        while (!_ended.Task.IsCompleted && TakeHeldAtOnce() is { } turn)
        {
            await UnreadAsync(turn);
        }
    }

    private Task? TakeHeldAtOnce()
    {
        try
        {
            return TakeHeld();
        }
        finally
        {
            WakeLog();
            Flush();
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
                    CheckStart(buffer);
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
                else if (type == PacketType.PingReq)
                {
                    // Not by way of MQTTnet, in whose queue the answers of a client that asks faster than it reads would grow.
                    CheckControl(frame);
                    AnswerPing();
                }
                else if (type == PacketType.Disconnect && _held is { Count: > 0 })
                {
                    // It says goodbye behind publishes that wait for their turn, and counts on them.
                    wait = _turn;
                    return null;
                }
                else
                {
                    packet = ReadControl(frame);
                }
            }

            buffer = buffer.Slice(frame.Body.End);
            if (packet is not null)
            {
                return packet;
            }
        }
    }

    private MqttPacket ReadControl(in Frame frame)
    {
        CheckControl(frame);
        switch (frame.Type)
        {
            case PacketType.Subscribe:
                var subscribe = (MqttSubscribePacket)Decode(frame);
                Receive(new SubscribeRequest(subscribe));
                return subscribe;
            case PacketType.Unsubscribe:
                var unsubscribe = (MqttUnsubscribePacket)Decode(frame);
                Receive(new UnsubscribeRequest(unsubscribe.TopicFilters));
                return unsubscribe;
            case PacketType.Disconnect:
                var disconnect = (MqttDisconnectPacket)Decode(frame);

                // [MQTT-3.14.4-3] Only 0x00 takes the will away; any other code says that something went wrong.
                _saidGoodbye = (byte)disconnect.ReasonCode == ReasonCode.Success;
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

    // A packet that can never be right is judged by its first bytes: nobody waits for the rest of it, or keeps it.
    private void CheckStart(in ReadOnlySequence<byte> buffer)
    {
        // The first segment may be empty where the packet before has ended with it.
        if (!new SequenceReader<byte>(buffer).TryPeek(out var header))
        {
            return;
        }

        var code = _isConnected ? PacketRules.CheckHeader(header)
            : header == (byte)PacketType.Connect << 4 ? (byte)0
            : ReasonCode.ProtocolError;
        if (code != 0)
        {
            throw new Violation(code, "No packet of a client begins like this.");
        }
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
