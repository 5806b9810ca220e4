using System.Buffers;
using System.Buffers.Binary;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>What the home of the data says.</content>
internal sealed partial class DataRelay
{
    private const string HomeGone = "The node that has the data topics has gone. Connect again.";

    // Never throws.
    private async Task RunAsync()
    {
        var (code, why) = (ReasonCode.ServerUnavailable, HomeGone);
        try
        {
            if (await services.Home!.OpenAsync(preface()) is { } pipe)
            {
                lock (_sendGate)
                {
                    _pipe = _isOver ? null : pipe;
                }

                if (_pipe is null)
                {
                    pipe.Abort();
                    return;
                }

                Send(ClientPackets.Connect(identity.ClientId, kept.IsCleanStart, kept.SessionExpiry, window.Size, writer.MaximumPacket));
                await ReadAsync(pipe.Input);
                (code, why) = pipe.IsRefused ? (ReasonCode.QuotaExceeded, OtherNode.Full) : (code, why);
            }
        }
        catch (Exception error) when (error is Violation or IOException or InvalidOperationException or OperationCanceledException)
        {
            // It fell apart, or is not understood: the client comes again.
        }
        catch (Exception error)
        {
            LogFailed(services.Log, identity.Name, error);
        }

        // Where the client has gone first, what it said last is on its way still, and ends the pipe (End).
        _connected.TrySetResult();
        EndClient(code, why);
    }

    private async Task ReadAsync(System.IO.Pipelines.PipeReader input)
    {
        while (!life.Ended.IsCompleted)
        {
            var read = await input.ReadAsync();
            var buffer = read.Buffer;
            List<IMember> touched = [];
            var wait = ReadFrames(ref buffer, touched);
            input.AdvanceTo(buffer.Start, wait is null ? read.Buffer.End : buffer.Start);
            IMember.FlushAll(touched);
            writer.Flush();
            if (wait is not null)
            {
                await Task.WhenAny(wait, life.Ended);
            }
            else if (read.IsCompleted)
            {
                return;
            }
        }
    }

    // Null: more is needed. Else it goes on after the task.
    private Task? ReadFrames(ref ReadOnlySequence<byte> buffer, List<IMember> touched)
    {
        while (Frame.TryRead(buffer, int.MaxValue, out var frame) == FrameStatus.Complete)
        {
            if (frame.Type == PacketType.Publish)
            {
                if (Deliver(frame) is { } room)
                {
                    return room;
                }
            }
            else
            {
                Take(frame.Type, frame.Body.IsSingleSegment ? frame.Body.FirstSpan : frame.Body.ToArray(), touched);
            }

            buffer = buffer.Slice(frame.Body.End);
            if (_answered is { } answered && frame.Type is PacketType.SubAck or PacketType.UnsubAck)
            {
                // What comes behind it belongs behind the client's own.
                _answered = null;
                return answered;
            }
        }

        return null;
    }

    private void Take(PacketType type, ReadOnlySpan<byte> body, List<IMember> touched)
    {
        switch (type)
        {
            case PacketType.ConnAck:
                if (body.Length < 2 || body[1] != ReasonCode.Success)
                {
                    Refused(body.Length < 2 ? ReasonCode.MalformedPacket : body[1], body.Length < 3 ? default : body[2..]);
                    return;
                }

                _connected.TrySetResult();
                break;
            case PacketType.PubAck or PacketType.PubRec:
                TakeAnswer(RelayedAnswer.Read(body), touched);
                break;
            case PacketType.PubRel or PacketType.PubComp:
                lock (writer.Gate)
                {
                    writer.WriteShort(type, BinaryPrimitives.ReadUInt16BigEndian(body), body.Length > 2 ? body[2] : ReasonCode.Success);
                }

                break;
            case PacketType.SubAck or PacketType.UnsubAck:
                PacketReader reader = new(body[2..]);
                _ = reader.TryReadVariableByteInteger(out var length) && reader.TrySkip(length);
                _request?.TrySetResult(reader.Rest.ToArray());
                break;
            case PacketType.Disconnect:
                Refused(body.IsEmpty ? ReasonCode.ServerUnavailable : body[0], body.Length < 2 ? default : body[1..]);
                break;
        }
    }

    // The home has ended it, and says why: so does this node to the client.
    private void Refused(byte code, ReadOnlySpan<byte> properties)
    {
        PacketReader reader = new(properties);
        var reason = reader.TryReadVariableByteInteger(out var length) && reader.TryReadBytes(length, out var bytes)
            ? PacketProperties.FindText(bytes, PropertyId.ReasonString) : null;
        EndClient(code, reason ?? HomeGone);
    }

    // That the home stops or has gone is no loss of the client: it comes again.
    private void EndClient(byte code, string reason)
    {
        if (code is ReasonCode.ServerMoved or ReasonCode.ServerUnavailable && !life.Ended.IsCompleted)
        {
            kept.IsSentElsewhere = true;
        }

        _ = life.EndAsync(code, reason);
    }

    private void TakeAnswer(RelayedAnswer answer, List<IMember> touched)
    {
        IRelayedPublish? published;
        lock (writer.Gate)
        {
            _published.Remove(answer.PacketId, out published);

            // MQTT 5.0, 4.3.3: a PUBREC with an error ends the exchange.
            if (answer.Code >= 0x80)
            {
                _exact.Remove(answer.PacketId);
            }
        }

        published?.Answered(answer, touched);
    }

    // Null: it is written, or waits with its like. Else it is to be brought again after the task.
    private Task? Deliver(in Frame frame)
    {
        var quality = (byte)((frame.Flags >> 1) & 3);
        var packet = Encode(frame, out var packetId);
        bool isTooMuch;
        lock (writer.Gate)
        {
            if (writer.IsSilent || packet.Length > writer.MaximumPacket)
            {
                return null;
            }

            var hasRoom = writer.HasRoom(Writer.StalledBytesLimit);
            if (_held.Count == 0 && hasRoom && (quality == 0 || window.TryBorrow()))
            {
                Write(packet, packetId, quality);
                return null;
            }

            writer.Block();
            if (quality == 0 && _held.Count == 0)
            {
                // Not read on meanwhile: the home holds back, or drops, as with a socket that takes nothing.
                return (_roomCame ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            if (quality == 0 && _held.Count > MostWaiting)
            {
                return null;
            }

            _held.Enqueue((packet, packetId, quality));
            HeldBytes += packet.Length;
            writer.CountWaiting();
            isTooMuch = /* guard: what waits of another node for a client */ HeldBytes > _mostHeldBytes;
        }

        if (isTooMuch)
        {
            life.TooSlow();
        }

        return null;
    }

    // As the client speaks; the packet id and DUP stay.
    private EncodedPublish Encode(in Frame frame, out ushort packetId)
    {
        packetId = 0;
        var body = frame.Body.ToArray();
        var quality = (byte)((frame.Flags >> 1) & 3);
        PacketReader reader = new(body);
        if (!reader.TryReadBinary(out var topic) || (quality > 0 && !reader.TryReadUInt16(out packetId)))
        {
            throw new Violation(ReasonCode.MalformedPacket, "What another node delivers is malformed.");
        }

        if (writer.IsVersion5)
        {
            return EncodedPublish.Of(ClientPackets.Packet(frame.Header, frame.Body));
        }

        _ = reader.TryReadVariableByteInteger(out var length) && reader.TrySkip(length);
        var encoded = EncodedPublish.EncodeWith(topic, reader.Rest, quality, (frame.Flags & 1) != 0, isVersion5: false, []);
        var packet = new byte[encoded.Length];
        encoded.CopyTo(packet, packetId, isRepeated: (frame.Flags & 8) != 0);
        return EncodedPublish.Of(packet);
    }

    [LoggerMessage(5805, LogLevel.Error, "What connection {Connection} hears of devices by another node has failed")]
    private static partial void LogFailed(ILogger log, string connection, Exception error);
}
