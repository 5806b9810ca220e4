using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What MQTTnet sees of a client: its channel. Control packets go up to MQTTnet, and its answers come down; PUBLISH, acknowledgements and
/// PINGREQ go to the client itself, below MQTTnet's sessions.
/// </summary>
/// <remarks>
/// Packets are received on one thread at a time, MQTTnet's receive loop of this connection; answers come from a queue of MQTTnet's.
/// </remarks>
internal sealed partial class MqttNetChannel(Client client, ConnectionServices services) : IMqttChannelAdapter
{
    /// <summary>The first packet may be this long (Remaining Length); nothing is known of the peer yet.</summary>
    private const int FirstPacketBytes = 8 * 1024;

    /// <summary>Bytes of a PUBACK of success, in each version: MQTT 5.0, 3.4.2.1; MQTT 3.1.1, 3.4.</summary>
    private const int PubAckLength = 4;

    /// <summary>A client may send so many seconds' worth of packets that bring nothing at once.</summary>
    private const int IdleSeconds = 10;

    // For pings, and acknowledgements of nothing. They cost next to nothing each, and a client could send half a million a second.
    private readonly RateBudget _idle = new(
        services.Limits.IdlePacketsPerSecond, (int)Math.Min((long)services.Limits.IdlePacketsPerSecond * IdleSeconds, int.MaxValue), services.Time);

    private readonly ControlPackets _control = new(client);

    // What IMqttChannelAdapter asks for and nobody uses.
    long IMqttChannelAdapter.BytesReceived => 0;

    long IMqttChannelAdapter.BytesSent => 0;

    X509Certificate2? IMqttChannelAdapter.ClientCertificate => null;
    EndPoint? IMqttChannelAdapter.RemoteEndPoint => client.Transport.RemoteEndPoint;

    EndPoint? IMqttChannelAdapter.LocalEndPoint => null;
    bool IMqttChannelAdapter.IsSecureConnection => client.Transport.IsEncrypted;

    public MqttPacketFormatterAdapter PacketFormatterAdapter => _control.Formatter;

    /// <summary>
    /// The next control packet; null when the connection is over, for whatever reason.
    /// MQTTnet 5.2 takes an exception for that too, but passes it on from one method to the next, and strangers hang up by the hundred.
    /// What is thrown all the same is <see cref="MqttCommunicationException"/>: it logs any other type as an error.
    /// </summary>
    public async Task<MqttPacket?> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        var input = client.Transport.Input;
        try
        {
            if (client.Elsewhere?.Over is { } over)
            {
                await over;
                return null;
            }

            // MQTTnet sends acknowledgements from a queue of its own. Waiting for it here gives every client SUBACK first, then what it
            // subscribed to, then the answers to what it sent after.
            if (client.Filters.Unanswered is { } unanswered)
            {
                await client.UnreadAsync(unanswered).WaitAsync(cancellationToken);
                client.Filters.EndRequest();
            }

            while (true)
            {
                if (client.Writer.AnswersTaken() is { } taken)
                {
                    // The peer does not read: its own socket slows it down, and the sweep ends it if that goes on.
                    await client.UnreadAsync(taken);
                }

                var read = client.Intake.HeldUntil is not null ? await ReadBesideHeldAsync(cancellationToken) : await input.ReadAsync(cancellationToken);
                if (read.IsCanceled || client.Ended.IsCompleted)
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
                    client.Intake.Wake();
                }

                if (/* guard: bytes are no sign of life */ wait is not null || buffer.Length < read.Buffer.Length)
                {
                    client.Heard();
                    client.Writer.Watch?.Heard();
                }

                client.Received.Add(0, read.Buffer.Length - buffer.Length);
                var unfinished = needsMore ? buffer.Length : 0;
                input.AdvanceTo(buffer.Start, needsMore ? buffer.End : buffer.Start);
                if (!client.Packets.TryHold(unfinished))
                {
                    throw new Violation(ReasonCode.QuotaExceeded, "Too many large packets are on their way to this server. Send it again later.");
                }

                client.Writer.Flush();
                if (packet is not null)
                {
                    return packet is not (MqttSubscribePacket or MqttUnsubscribePacket) || await TurnAsync() ? packet : null;
                }

                if (wait is not null)
                {
                    // Not read on meanwhile: the peer's own socket slows it down.
                    await client.UnreadAsync(wait);
                }
                else if (/* guard: end of input within a packet */ read.IsCompleted)
                {
                    await TakeAllHeldAsync();
                    return null;
                }
            }
        }
        catch (Violation violation)
        {
            if (services.Refusals.Try("connections closed for what they sent", client.Transport.RemoteEndPoint?.Address))
            {
                LogViolation(services.Log, client.Name, client.ClientId, violation.Code, violation.Message);
            }

            _ = client.EndAsync(violation.Code, violation.Message);
            return null;
        }
        catch (Exception error) when (error is MqttProtocolViolationException or IOException or InvalidOperationException)
        {
            // What MQTTnet's decoder refuses, or a transport that fell apart.
            _ = client.EndAsync(ReasonCode.MalformedPacket, "The packet is malformed.");
            return null;
        }
    }

    public Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        switch (packet)
        {
            case MqttConnAckPacket { ReasonCode: MqttConnectReasonCode.Success }:
                return client.AdmittedAsync();
            case MqttConnAckPacket connAck:
                client.RefuseConnect((byte)connAck.ReasonCode, connAck.ReasonString);
                break;
            case MqttSubAckPacket subAck:
                return client.Filters.AnswerSubscribeAsync(subAck.PacketIdentifier);
            case MqttUnsubAckPacket unsubAck:
                return client.Filters.AnswerUnsubscribeAsync(unsubAck.PacketIdentifier);
            case MqttDisconnectPacket disconnect when client.Writer.IsVersion5:
                client.Writer.SendControl(PacketWriter.Disconnect(
                    (byte)disconnect.ReasonCode, client.Writer.WantsReasons ? disconnect.ReasonString : null, client.Writer.MaximumPacket));
                break;
            default:
                // Data packets never reach MQTTnet, so it has none to send.
                throw new InvalidOperationException($"MQTTnet wanted to send a {packet.GetType().Name}.");
        }

        return Task.CompletedTask;
    }

    public void Dispose()
    {
        // The pipes belong to the transport.
    }

    Task IMqttChannelAdapter.ConnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    void IMqttChannelAdapter.ResetStatistics()
    {
        // Nothing is counted here.
    }

    Task IMqttChannelAdapter.DisconnectAsync(CancellationToken cancellationToken)
    {
        // What is in the pipe (a refusing CONNACK, say) is sent before the transport closes.
        client.Writer.Silence();
        (client.Writer.IsHeldBack ? (Action)client.Transport.Abort : client.Transport.Finish)();
        return Task.CompletedTask;
    }

    // Nothing is read meanwhile, nor is it waited that the client takes its answers: others of the account stand behind one whose turn
    // comes, and a client that does not read must not hold them up. False: the connection was ended first.
    private async ValueTask<bool> TurnAsync()
    {
        while (client.Filters.Turn() is { } wait)
        {
            await client.UnreadAsync(wait);
            if (client.Ended.IsCompleted)
            {
                return false;
            }
        }

        client.Filters.Begin();
        return true;
    }

    // Deals with what is held, as it is paid for, until there is something to read.
    private async Task<ReadResult> ReadBesideHeldAsync(CancellationToken cancellationToken)
    {
        var reading = client.Transport.Input.ReadAsync(cancellationToken).AsTask();
        while (client.Intake.TakeHeld() is { } turn && !reading.IsCompleted && !client.Ended.IsCompleted)
        {
            await Task.WhenAny(reading, turn, client.Ended);
        }

        return await reading;
    }

    // The client has said all: what it was told nothing of yet is dealt with all the same.
    private async Task TakeAllHeldAsync()
    {
        while (!client.Ended.IsCompleted && client.Intake.TakeHeld() is { } turn)
        {
            await client.UnreadAsync(turn);
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
            if (client.Ended.IsCompleted)
            {
                throw new MqttCommunicationException("The connection was ended by the server.");
            }

            if (client.Writer is { IsConnected: true, Watch: null } && TakeAcknowledgements(ref buffer))
            {
                continue;
            }

            switch (Frame.TryRead(buffer, client.Writer.IsConnected ? client.Packets.Longest : FirstPacketBytes, out var frame))
            {
                case FrameStatus.Incomplete:
                    // guard: a header is judged by its first byte
                    FrameChecks.CheckStart(buffer, client.Writer.IsConnected);
                    needsMore = true;
                    return null;
                case FrameStatus.Malformed:
                    throw new Violation(ReasonCode.MalformedPacket, "The Remaining Length has more than four bytes.");
                case FrameStatus.TooLarge:
                    throw new Violation(ReasonCode.PacketTooLarge, "The packet is larger than this server takes.");
            }

            MqttPacket? packet = null;
            var isIdle = false;
            if (!client.Writer.IsConnected)
            {
                packet = _control.ReadConnect(frame);
            }
            else
            {
                client.Writer.Watch?.Received(frame);
                FrameChecks.CheckHeader(frame, client.Writer.IsVersion5);
                var type = frame.Type;
                if (type == PacketType.Publish)
                {
                    wait = client.Intake.Receive(frame);
                    if (wait is not null)
                    {
                        client.Writer.Watch?.ComesAgain();
                        return null;
                    }
                }
                else if (type is PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp)
                {
                    isIdle = !HandleAcknowledgement(type, frame.Body);
                }
                else if (type == PacketType.PingReq)
                {
                    // Not by way of MQTTnet, in whose queue the answers of a client that asks faster than it reads would grow.
                    FrameChecks.CheckControl(frame, client.Writer.IsVersion5);
                    AnswerPing();
                    isIdle = true;
                }
                else if (/* guard: what was said before DISCONNECT */ type == PacketType.Disconnect && client.Intake.HeldUntil is { } turn)
                {
                    // It says goodbye behind publishes that wait for their turn, and counts on them.
                    wait = turn;
                    client.Writer.Watch?.ComesAgain();
                    return null;
                }
                else
                {
                    packet = _control.Read(frame);
                }
            }

            buffer = buffer.Slice(frame.Body.End);
            client.Received.Add(1, 0);
            if (packet is not null)
            {
                return packet;
            }

            if (isIdle && /* guard: packets that bring nothing have a rate */ !_idle.TryTake(out var pause))
            {
                wait = Task.Delay(pause, services.Time);
                return null;
            }
        }
    }

    // PUBACK of success, of which a busy room brings one for each delivery: what lies in one piece is taken where it lies. False: there is
    // none, or one that brings nothing, which is handled and counted as any other packet.
    private bool TakeAcknowledgements(ref ReadOnlySequence<byte> buffer)
    {
        var bytes = buffer.FirstSpan;
        var taken = client.Ended.IsCompleted ? 0 : client.Delivery.Acknowledged(bytes);

        // Where something of a data topic is in flight, a PUBACK answers that or a room's event.
        while (bytes[taken..] is [(byte)PacketType.PubAck << 4, PubAckLength - 2, _, _, ..] && !client.Ended.IsCompleted)
        {
            var packetId = BinaryPrimitives.ReadUInt16BigEndian(bytes[(taken + 2)..]);
            if (packetId == 0 || !(client.Data.Answered(PacketType.PubAck, packetId, ReasonCode.Success) ?? client.Delivery.Acknowledged(packetId)))
            {
                break;
            }

            taken += PubAckLength;
        }

        if (taken == 0)
        {
            return false;
        }

        client.Received.Add(taken / PubAckLength, 0);
        buffer = buffer.Slice(taken);
        return true;
    }

    // Flushed with what else the same read brings.
    private void AnswerPing()
    {
        lock (client.Writer.Gate)
        {
            if (!client.Writer.IsSilent)
            {
                client.Writer.WriteControl(PacketWriter.PingResp);
            }
        }
    }

    // False: it acknowledges nothing.
    private bool HandleAcknowledgement(PacketType type, in ReadOnlySequence<byte> body)
    {
        var bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        var code = PacketRules.CheckAcknowledgement(type, bytes, client.Writer.IsVersion5);
        if (code != 0)
        {
            throw new Violation(code, "The acknowledgement is malformed.");
        }

        var packetId = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (client.Data.Answered(type, packetId, bytes.Length > 2 ? bytes[2] : ReasonCode.Success) is { } isData)
        {
            return isData;
        }

        switch (type)
        {
            case PacketType.PubAck:
                return client.Delivery.Acknowledged(packetId);
            case PacketType.PubRel:
                return client.Intake.Released(packetId);
            default:
                client.Delivery.AcknowledgedAtQoS2(packetId, isReceived: type == PacketType.PubRec);
                return false;
        }
    }

    [LoggerMessage(3002, LogLevel.Information, "Connection {Connection} ({ClientId}) is closed: 0x{Code:X2} {Reason}")]
    private static partial void LogViolation(ILogger log, string connection, string clientId, byte code, string reason);
}
