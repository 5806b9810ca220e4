using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>Acknowledgements: those that the client is owed for its publishes, in their order, and those that it sends for its deliveries.</content>
internal sealed partial class MqttConnection
{
    // The answers owed, in the order of the publishes [MQTT-4.6.0-2]; guarded by _write.
    private readonly Queue<PublishAnswer> _answers = new();

    // QoS 2 packet ids between PUBLISH and PUBREL, and their answers; receive side and answers, so guarded by _write.
    private readonly Dictionary<ushort, PublishAnswer> _incomingQoS2 = [];

    // Those of earlier connections of the MQTT session, and hashes of what they were. They take nothing of the Receive Maximum, which begins anew with each connection
    // (MQTT 5.0, 4.9). Guarded by _write; null: none.
    private Dictionary<ushort, ulong>? _receivedBefore;
    private int _underWay;

    // QoS 1 publishes that the client has no PUBACK for; guarded by _write.
    private int _unanswered;
    private TaskCompletionSource? _drained;

    /// <summary>The log, or a rule, has decided on a publish of this client.</summary>
    public void Answer(PublishAnswer answer, List<IMember> touched)
    {
        lock (_write)
        {
            answer.IsDone = true;
            if (WriteAnswers())
            {
                Touch(touched);
            }

            Settle();
        }

        _services.Memory.Settled(answer.Bytes);
        if (answer.FailedWithoutWord && !IsVersion5)
        {
            // 3.1.1 has no word for "not stored": a closed connection makes the client send again.
            _ = EndAsync(ReasonCode.UnspecifiedError, "The message could not be stored.");
        }
    }

    // Under _write.
    private void Settle()
    {
        _underWay--;
        _intakeFree?.TrySetResult();
        if (_underWay == 0)
        {
            _drained?.TrySetResult();
            _drained = null;
        }
    }

    // False: the connection was ended meanwhile, and whoever ended it counts on nothing being accepted after.
    private bool Expect(PublishAnswer answer)
    {
        lock (_write)
        {
            if (_silent)
            {
                return false;
            }

            _underWay++;
            _services.Memory.UnderWay.Add(answer.Bytes);
            if (answer.QualityOfService == 1)
            {
                _unanswered++;
            }

            if (answer.QualityOfService > 0)
            {
                _answers.Enqueue(answer);
            }

            if (answer.QualityOfService == 2)
            {
                _incomingQoS2[answer.PacketId] = answer;
            }

            return true;
        }
    }

    // Flushed with what else the same read brings.
    private void AnswerPing()
    {
        lock (_write)
        {
            if (!_silent)
            {
                WriteControl(PacketWriter.PingResp);
            }
        }
    }

    private void AnswerNow(PublishAnswer answer)
    {
        List<IMember> touched = [];
        Answer(answer, touched);
        IMember.FlushAll(touched);
    }

    /// <summary>A notice, written to this connection alone, if it listens to its inbox.</summary>
    /// <param name="retry">Seconds after which it may be sent again; 0: not said.</param>
    public void Notify(string code, string text, string topic, int retry = 0)
    {
        HeldFilter? inbox;
        lock (_filtersGate)
        {
            inbox = _filters.Values.FirstOrDefault(filter => filter.Filter.Whispers);
        }

        if (inbox is null)
        {
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, 1);
            writer.WriteString("type"u8, "notice");
            writer.WriteString("code"u8, code);
            writer.WriteString("text"u8, text);
            writer.WriteString("topic"u8, PlainLine.Of(topic));
            if (retry > 0)
            {
                writer.WriteNumber("retry"u8, retry);
            }

            writer.WriteEndObject();
        }

        var ids = IsVersion5 && inbox.SubscriptionId != 0 ? new[] { inbox.SubscriptionId } : [];
        var publish = EncodedPublish.Encode(Encoding.ASCII.GetBytes("users/" + inbox.Filter.Inbox), buffer.WrittenSpan, 0, false, IsVersion5, ids);
        lock (_write)
        {
            if (!_silent && HasRoom(StalledBytesLimit) && publish.Length <= _clientMaximumPacket)
            {
                Write(publish, 0);
            }
        }

        Flush();
    }

    private void HandleAcknowledgement(PacketType type, in ReadOnlySequence<byte> body)
    {
        var bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        var code = PacketRules.CheckAcknowledgement(type, bytes, IsVersion5);
        if (code != 0)
        {
            throw new Violation(code, "The acknowledgement is malformed.");
        }

        var packetId = BinaryPrimitives.ReadUInt16BigEndian(bytes);

        lock (_write)
        {
            switch (type)
            {
                case PacketType.PubAck:
                    if (_window.Release(packetId))
                    {
                        _unacknowledged?.Remove(packetId);
                        _positionChanged = true;
                        WriteQueued();
                        Progressed();
                        StartFeeder();
                    }

                    break;
                case PacketType.PubRel when !_silent:
                    var wasReceived = _incomingQoS2.Remove(packetId) || _receivedBefore?.Remove(packetId) == true;
                    _intakeFree?.TrySetResult();
                    if (wasReceived && IsDurable)
                    {
                        // Inside the lock: whoever takes over from here on may store another publish under the id.
                        _services.Durable.Released(this, packetId);
                    }

                    WriteShort(PacketType.PubComp, packetId, wasReceived ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
                    break;
                case PacketType.PubRec or PacketType.PubComp when _window.Contains(packetId):
                    // MQTT 5.0, 4.3.2: a publish at QoS 1 is answered by PUBACK. It stays unacknowledged: a durable client is
                    // sent it again.
                    throw new Violation(ReasonCode.ProtocolError, "A delivery at QoS 1 was answered as one at QoS 2.");
                case PacketType.PubRec:
                    // Nothing is delivered at QoS 2, so nothing waits for a PUBREC.
                    WriteShort(PacketType.PubRel, packetId, ReasonCode.PacketIdentifierNotFound);
                    break;
            }
        }
    }

    // Under _write. Writes the answers that are ready, in order. True: something was written.
    private bool WriteAnswers()
    {
        var wrote = false;
        while (_answers.TryPeek(out var answer) && answer.IsDone)
        {
            _answers.Dequeue();
            if (answer.QualityOfService == 1)
            {
                _unanswered--;
            }

            if (!answer.FailedWithoutWord || IsVersion5)
            {
                WriteAnswer(answer);
                wrote = true;
            }
        }

        return wrote;
    }

    // Under _write.
    private void WriteAnswer(PublishAnswer answer)
    {
        var type = answer.QualityOfService == 2 ? PacketType.PubRec : PacketType.PubAck;
        if (answer.QualityOfService == 2 && answer.Code >= 0x80)
        {
            // MQTT 5.0, 4.3.3: a PUBREC with an error ends the exchange.
            if (IsVersion5)
            {
                _incomingQoS2.Remove(answer.PacketId);
            }
        }

        if (_silent)
        {
            return;
        }

        if (IsVersion5 && (answer.Code >= 0x80 ? _wantsReasons : answer.Epoch is not null && _wantsReasons))
        {
            var (again, retry) = answer.Refusal is { Retry: > 0 } refusal ? (refusal.Notice, refusal.Retry) : (null, 0);
            var packet = PacketWriter.PublishAnswer(type, answer.PacketId, answer.Code, answer.Reason, answer.Seq, answer.Epoch, again, retry);
            if (packet.Length <= _clientMaximumPacket)
            {
                WriteControl(packet);
                return;
            }
        }

        // [MQTT-3.4.2-2], [MQTT-3.4.2-3] Also where what would be said is larger than the client takes.
        WriteShort(type, answer.PacketId, answer.Code);
    }

    // Under _write.
    private void WriteShort(PacketType type, ushort packetId, byte code)
    {
        if (_silent)
        {
            return;
        }

        var length = PacketWriter.Write(_transport.Output.GetSpan(5), type, packetId, code, IsVersion5);
        _transport.Output.Advance(length);
        CountAnswer(length);
    }

    /// <summary>Completes when everything that was taken in is answered.</summary>
    public Task PublishesDrained()
    {
        lock (_write)
        {
            if (_underWay == 0)
            {
                return Task.CompletedTask;
            }

            return (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }
}
