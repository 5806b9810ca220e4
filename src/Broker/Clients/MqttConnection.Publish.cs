using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <content>The data plane's way in: PUBLISH is checked and handed to the log.</content>
internal sealed partial class MqttConnection
{
    /// <summary>Publishes taken in and not yet answered, when the settings put no limit: the protocol's own (MQTT 5.0, 3.2.2.3.3).</summary>
    private const int UnlimitedReceiveMaximum = 65535;

    /// <summary>What one costs beside its payload while it is under way.</summary>
    private const int BytesOfPublish = 512;

    private readonly Dictionary<ushort, byte[]> _aliases = [];
    private RateBudget? _budget;
    private byte[] _lastTopic = [];
    private PublishTarget? _lastTarget;
    private HeldPublishes? _held;

    // Guarded by _write: whether something is held, and the rooms that the account was taken off meanwhile.
    private bool _isHolding;
    private HashSet<Room>? _removedFrom;

    // When what is held comes next.
    private Task _turn = Task.CompletedTask;
    private bool _paid;
    private bool _logSleeps;
    private Task? _joining;
    private TaskCompletionSource? _intakeFree;
    private (string Code, string Text, string Topic)? _willNotice;

    private int ReceiveMaximum => _services.Limits.UnacknowledgedPerClient is > 0 and var limit ? limit : UnlimitedReceiveMaximum;

    // Returns null when the publish was dealt with, or a task after which it must be looked at again.
    private Task? HandlePublish(in Frame frame)
    {
        byte[]? rented = null;
        var body = frame.Body;
        try
        {
            var bytes = body.IsSingleSegment ? body.FirstSpan : Linearize(body, out rented);
            var code = PublishPacket.TryParse(frame.Flags, bytes, IsVersion5, out var publish);
            if (code != 0)
            {
                throw new Violation(code, "The PUBLISH is malformed.");
            }

            // What came before goes first.
            Task? turn = null;
            var wait = _held is { Count: > 0 } ? null : Take(ref publish, out turn);
            if (turn is not null)
            {
                _turn = turn;
            }

            return turn is null && _held is not { Count: > 0 } ? wait : Hold(frame.Flags, bytes);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    private static ReadOnlySpan<byte> Linearize(in ReadOnlySequence<byte> body, out byte[] rented)
    {
        var length = (int)body.Length;
        rented = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(rented);
        return rented.AsSpan(0, length);
    }

    // Null: it is held. Else the client is not to be read on before the task: more than it is allowed to have waiting, it has to keep itself.
    private Task? Hold(byte flags, ReadOnlySpan<byte> body)
    {
        var held = _held ??= new HeldPublishes(_services.Memory);
        lock (_write)
        {
            if (_isClosing)
            {
                return _ended.Task;
            }

            if (held.TryAdd(flags, body))
            {
                _isHolding = true;
                return null;
            }

            // [MQTT-3.3.4-9] Libraries send more than the Receive Maximum, and would send all of it again if they were closed for that. So it is slowed down; but
            // where only PUBRELs make room, which are behind what is not read, nothing would ever come of waiting.
            return _incomingQoS2.Count < ReceiveMaximum
                ? _turn
                : throw new Violation(ReasonCode.ReceiveMaximumExceeded, "More publishes are unacknowledged than the Receive Maximum allows.");
        }
    }

    // Null: nothing is held any more. Else what is held comes next after the task.
    private Task? TakeHeld()
    {
        while (_held is { } held && held.TryPeek(out var flags, out var body))
        {
            _ = PublishPacket.TryParse(flags, body, IsVersion5, out var publish);
            var wait = Take(ref publish, out var turn) ?? turn;
            if (wait is not null)
            {
                return _turn = wait;
            }

            held.Dequeue();
        }

        if (_isHolding)
        {
            lock (_write)
            {
                _isHolding = false;
                _removedFrom = null;
            }
        }

        return null;
    }

    /// <summary>
    /// The account is taken off a room's list: what it sent there before, and what waits for its rate, does not bring it back. To be called before it is off.
    /// </summary>
    public void Removed(Room room)
    {
        lock (_write)
        {
            if (_isHolding)
            {
                (_removedFrom ??= []).Add(room);
            }
        }
    }

    private bool WasRemovedFrom(Room room)
    {
        lock (_write)
        {
            return _removedFrom?.Contains(room) == true;
        }
    }

    // Returns null when the publish was dealt with, or a task after which it must be looked at again. With a turn, its account is over
    // its rate for so long.
    private Task? Take(ref PublishPacket publish, out Task? turn)
    {
        turn = null;
        // Before anything answers or refuses it: an alias that a repeated or refused publish sets is set all the same.
        var topic = TopicOf(publish);
        if (publish.QualityOfService == 2 && IsRepeatedQoS2(publish))
        {
            return null;
        }

        if (Backpressure(publish, out turn) is { } wait)
        {
            return wait;
        }

        if (turn is not null)
        {
            return null;
        }

        if (_budget is { } budget && !_paid && !budget.TryTake(out var pause))
        {
            turn = Task.Delay(pause, _services.Time);
            return null;
        }

        PublishRefusal? refusal = null;

        // Looked at again after a wait, it must not pay twice.
        _paid = true;
        if (Resolve(topic) is not { } target)
        {
            Refuse(publish, ReasonCode.TopicNameInvalid, "This server has no such topic.", "unknown_topic", Encoding.UTF8.GetString(topic));
            _paid = false;
            return null;
        }

        var verdict = _services.Interceptor.MayPublish(Session!, target);
        if (!verdict.IsAllowed && target.WasOpen(verdict))
        {
            (refusal, verdict) = (refusal ?? PublishTarget.NobodyThere, Verdict.Allowed);
        }

        if (refusal is null && verdict.IsAllowed && target.NeedsMembership(Account.Id))
        {
            if (WasRemovedFrom(target.Room!))
            {
                _paid = false;
                Refuse(publish, PublishRefusal.NoSuchRoom, target.TopicText);
                return null;
            }

            if (_joining is null && !_services.Space.IsLow)
            {
                return _joining = _services.Rooms.JoinAsync(target.Room!, Account, byItself: true);
            }

            // Tried and not stored, or not even tried, for the list of a room is written too.
            _joining = null;
            _paid = false;
            Fail(publish);
            return null;
        }

        _joining = null;
        _paid = false;
        if (!verdict.IsAllowed)
        {
            Refuse(publish, refusal ?? new PublishRefusal(verdict.Code, verdict.Reason, "not_allowed"), target.TopicText);
            return null;
        }

        switch (target.Topic.Kind)
        {
            case TopicKind.Typing or TopicKind.Read when refusal is not null:
                Refuse(publish, refusal, target.TopicText);
                break;
            case TopicKind.Typing:
                TakeTyping(publish, target);
                break;
            case TopicKind.Read:
                TakeReadPosition(publish, target);
                break;
            default:
                TakeCommand(publish, target, refusal);
                break;
        }

        return null;
    }

    // With a turn, an MQTT 5 client has sent more than our Receive Maximum, which it should know [MQTT-3.3.4-9]; a 3.1.1 socket is simply not read.
    private Task? Backpressure(in PublishPacket publish, out Task? turn)
    {
        turn = null;
        if (_services.Memory.RoomForPublish() is { } room)
        {
            return room;
        }

        lock (_write)
        {
            if (_isClosing)
            {
                return _ended.Task;
            }

            if (_stalledAnswers >= AnswerBytesLimit)
            {
                return (_answersTaken ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            // What the client itself counts: QoS 1 until PUBACK, QoS 2 until PUBREL; never QoS 0.
            if (IsVersion5 && publish.QualityOfService > 0 && _unanswered + _incomingQoS2.Count >= ReceiveMaximum)
            {
                turn = IntakeFree();
                return null;
            }

            return _underWay < ReceiveMaximum ? null : IntakeFree();
        }
    }

    // Under _write.
    private Task IntakeFree() => (_intakeFree = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    // [MQTT-4.3.3-10] The same packet id before PUBREL is the same message, with DUP or without.
    private bool IsRepeatedQoS2(in PublishPacket publish)
    {
        lock (_write)
        {
            if (_receivedBefore?.Remove(publish.PacketId, out var contentHash) == true)
            {
                if (!publish.IsDuplicate || contentHash != ContentHashOf(publish))
                {
                    // After a crash the server may know an id longer than the client does, who then uses it for something new.
                    _services.Durable.Released(this, publish.PacketId);
                    return false;
                }

                _incomingQoS2[publish.PacketId] = new PublishAnswer(publish.PacketId, 2) { IsDone = true, ContentHash = contentHash };
            }

            if (!_incomingQoS2.TryGetValue(publish.PacketId, out var answer))
            {
                return false;
            }

            if (answer.IsDone)
            {
                WriteAnswer(answer);
            }

            return true;
        }
    }

    private ReadOnlySpan<byte> TopicOf(in PublishPacket publish)
    {
        if (publish.TopicAlias is not { } alias)
        {
            // MQTT 5.0, 3.3.2.1, and MQTT 3.1.1 [MQTT-4.7.3-1].
            return !publish.Topic.IsEmpty ? publish.Topic : throw new Violation(ReasonCode.ProtocolError, "The topic is empty.");
        }

        if (alias is 0 or > TopicAliasMaximum)
        {
            throw new Violation(ReasonCode.TopicAliasInvalid, "The topic alias is 0 or over the maximum announced.");
        }

        if (!publish.Topic.IsEmpty)
        {
            _aliases[alias] = publish.Topic.ToArray();
            return publish.Topic;
        }

        // MQTT 5.0, 3.3.4, item 3: no topic and no mapping is a protocol error; 0x94 is for what lies beyond the maximum.
        return _aliases.TryGetValue(alias, out var known)
            ? known
            : throw new Violation(ReasonCode.ProtocolError, "The topic alias has not been set on this connection.");
    }

    private PublishTarget? Resolve(ReadOnlySpan<byte> topic)
    {
        if (_lastTarget is { IsCurrent: true } last && topic.SequenceEqual(_lastTopic))
        {
            return last;
        }

        if (!MqttText.IsTopicName(topic))
        {
            throw new Violation(ReasonCode.ProtocolError, "The topic of a PUBLISH has no wildcards.");
        }

        var target = topic.Length > 256 ? null : _services.Rooms.Resolve(Encoding.UTF8.GetString(topic));
        if (target is not null)
        {
            (_lastTopic, _lastTarget) = (topic.ToArray(), target);
        }

        return target;
    }

    private void TakeTyping(in PublishPacket publish, PublishTarget target)
    {
        if (publish.QualityOfService > 0 || !publish.Payload.IsEmpty)
        {
            Refuse(publish, ReasonCode.PayloadFormatInvalid, "Typing is said with QoS 0 and an empty payload.", "bad_typing", target.TopicText);
            return;
        }

        target.Room!.Enqueue(new TypingNote(target.Room, this, Account.UserName));
    }

    private void TakeReadPosition(in PublishPacket publish, PublishTarget target)
    {
        if (_services.Space.IsLow)
        {
            Fail(publish);
            return;
        }

        if (ReadRequest.Parse(publish.Payload, out var error) is not { } request)
        {
            Refuse(publish, ReasonCode.ImplementationSpecificError, error, "bad_command", target.TopicText);
            return;
        }

        var answer = new PublishAnswer(publish.PacketId, publish.QualityOfService);
        if (Expect(answer))
        {
            _ = MarkAsync(target, request, answer);
        }
    }

    // Answered when it is on disk. Never throws.
    private async Task MarkAsync(PublishTarget target, ReadRequest request, PublishAnswer answer)
    {
        var (outcome, now) = await _services.Positions.MarkAsync(Account, target.Stream!, request.Seq.GetValueOrDefault(), request.Epoch);
        switch (outcome)
        {
            case MarkOutcome.Taken:
                (answer.Seq, answer.Epoch) = (now.Seq, now.Epoch);
                break;
            case MarkOutcome.NotOpen:
                (answer.Code, answer.Reason) = (ReasonCode.NotAuthorized, "There is no such room, or it is not open to you.");
                Refused(answer.QualityOfService, PublishRefusal.NoSuchRoom, target.TopicText);
                break;
            case MarkOutcome.OtherEpoch:
                (answer.Code, answer.Reason) = (ReasonCode.ImplementationSpecificError, "The epoch is another by now: read the room anew.");
                Refused(answer.QualityOfService, new PublishRefusal(answer.Code, answer.Reason, "epoch"), target.TopicText);
                break;
            case MarkOutcome.NotStored:
                (answer.Code, answer.Reason) = (ReasonCode.QuotaExceeded, "The read position could not be stored. Send it again later.");
                answer.FailedWithoutWord = true;
                break;
        }

        AnswerNow(answer);
    }

    // As a refusal is heard where the acknowledgement cannot say it: by a notice, in the log, and on the page of the token.
    private void Refused(byte qualityOfService, PublishRefusal refusal, string topic)
    {
        var isHeard = IsVersion5 && qualityOfService > 0;
        _services.PublishRefusals.Note(Session!, ClientId, refusal.Code, refusal.Notice, refusal.Reason, topic, isHeard);
        if (!isHeard)
        {
            Notify(refusal.Notice, refusal.Reason, topic, refusal.Retry);
        }
    }

    // A rule that forbids it is told only if the log does not know its id: what is there already is acknowledged. So the rule goes along to the log thread.
    private void TakeCommand(in PublishPacket publish, PublishTarget target, PublishRefusal? refusal)
    {
        var limits = _services.Limits;
        if (limits.PayloadBytes > 0 && publish.Payload.Length > limits.PayloadBytes)
        {
            refusal ??= PublishRefusal.PayloadTooLong(limits);
        }

        // MQTT 5.0, 3.3.2.3.2
        if (publish.SaysUtf8 && !Utf8.IsValid(publish.Payload))
        {
            Refuse(publish, ReasonCode.PayloadFormatInvalid, "The payload is said to be UTF-8 and is not.", "bad_payload_format", target.TopicText);
            return;
        }

        if (Command.Parse(publish.Payload, publish.IdProperty, textLimit: 0, out var error) is not { } command)
        {
            Refuse(publish, refusal ?? PublishRefusal.BadCommand(error), target.TopicText);
            return;
        }

        refusal ??= command.OverLength(limits.TextLength) is { } tooLong ? PublishRefusal.BadCommand(tooLong) : null;
        var membership = target.Room?.MembershipOf(Account.Id);
        if (target.Room is not null && membership is null)
        {
            // Taken off the list since the rules were asked.
            Refuse(publish, refusal ?? PublishRefusal.NoSuchRoom, target.TopicText);
            return;
        }

        if (refusal is not null && command.Id is null)
        {
            Refuse(publish, refusal, target.TopicText);
            return;
        }

        // A durable client sends it again on its next connection if the PUBREC gets lost, perhaps after a restart: so that it was received is stored with it.
        var isKept = publish.QualityOfService == 2 && IsDurable;
        var answer = new PublishAnswer(publish.PacketId, publish.QualityOfService)
        {
            ContentHash = isKept ? ContentHashOf(publish) : 0,
            Bytes = publish.Payload.Length + BytesOfPublish,
        };
        RecordChange? record = isKept
            ? new RecordChange(DurableRecords.ReceivedKey(Account.Id, ClientId, publish.PacketId), DurableRecords.Received(answer.ContentHash))
            : null;
        DateTimeOffset? expiry = publish.ExpirySeconds is { } seconds ? _services.Time.GetUtcNow().AddSeconds(seconds) : null;
        _logSleeps = true;
        if (Expect(answer) && !RoomDirectory.TryStore(target, PendingPublish.Of(target, membership, CurrentAuthor, command, this, answer, expiry, record, refusal), moreFollows: true))
        {
            (answer.Code, answer.Reason) = (ReasonCode.NotAuthorized, "There is no such room, or it is not open to you.");
            AnswerNow(answer);
        }
    }

    /// <summary>The log has refused a publish by rule.</summary>
    public void Refuse(PublishAnswer answer, PublishRefusal refusal, string topic, List<IMember> touched)
    {
        (answer.Code, answer.Reason, answer.Refusal) = (refusal.Code, refusal.Reason, refusal);
        answer.FailedWithoutWord = ReferenceEquals(refusal, PublishRefusal.NoRoom);
        if (answer.FailedWithoutWord || (IsVersion5 && answer.QualityOfService > 0))
        {
            Answer(answer, touched);
            if (!answer.FailedWithoutWord)
            {
                Refused(answer.QualityOfService, refusal, topic);
            }

            return;
        }

        // A notice looks at the filters, whose gate is not for a room's worker, nor for the log thread.
        ThreadPool.UnsafeQueueUserWorkItem(
            static one =>
            {
                one.Connection.Refused(one.Answer.QualityOfService, one.Refusal, one.Topic);
                one.Connection.AnswerNow(one.Answer);
            },
            (Connection: this, Answer: answer, Refusal: refusal, Topic: topic),
            preferLocal: false);
    }

    // An alias may stand for the topic, so only the payload counts.
    private static ulong ContentHashOf(in PublishPacket publish)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(publish.Payload, hash);
        return BitConverter.ToUInt64(hash);
    }

    // A refusal by rule. MQTT 5 hears it in the acknowledgement; for 3.1.1, and at QoS 0, it goes to the account's inbox topic, to this connection alone.
    private void Refuse(in PublishPacket publish, byte code, string reason, string noticeCode, string topic) =>
        Refuse(publish, new PublishRefusal(code, reason, noticeCode), topic);

    private void Refuse(in PublishPacket publish, PublishRefusal refusal, string topic)
    {
        Refused(publish.QualityOfService, refusal, topic);
        if (publish.QualityOfService == 0)
        {
            return;
        }

        var answer = new PublishAnswer(publish.PacketId, publish.QualityOfService) { Code = refusal.Code, Reason = refusal.Reason };
        if (Expect(answer))
        {
            AnswerNow(answer);
        }
    }

    private void Fail(in PublishPacket publish)
    {
        var answer = new PublishAnswer(publish.PacketId, publish.QualityOfService)
        {
            Code = ReasonCode.QuotaExceeded,
            Reason = "The message could not be stored. Send it again later.",
            FailedWithoutWord = true,
        };
        if (Expect(answer))
        {
            AnswerNow(answer);
        }
    }

    // The client was lost: its last will is a publish of the account like any other, with the rights of now.
    private void SayWill(LastWill will)
    {
        // Counted before rights are asked: who ends the login session from here on waits for it, and who ended it before is seen.
        lock (_write)
        {
            _underWay++;
        }

        if (!_services.Wills.Say(Session!, ClientId, PublisherMark, will, this))
        {
            lock (_write)
            {
                Settle();
            }
        }
    }

    /// <summary>A will that could never be said does not refuse the CONNECT: it is dropped, and a notice says so.</summary>
    private void CheckWill()
    {
        if (_will is { } will && _services.Wills.WhyNever(Session!, will) is { } reason)
        {
            var text = "The will was dropped: " + reason;
            _will = null;
            _willNotice = ("will_dropped", text, will.Topic);
            _services.PublishRefusals.Note(Session!, ClientId, ReasonCode.NotAuthorized, "will_dropped", text, will.Topic, isHeard: false);
        }
    }

    [LoggerMessage(3001, LogLevel.Information, "Connection {Connection} ({ClientId}) is closed: it does not keep up with what is delivered to it")]
    private static partial void LogTooSlow(ILogger log, string connection, string clientId);

    [LoggerMessage(3002, LogLevel.Information, "Connection {Connection} ({ClientId}) is closed: 0x{Code:X2} {Reason}")]
    private static partial void LogViolation(ILogger log, string connection, string clientId, byte code, string reason);
}
