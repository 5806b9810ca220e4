using System.Text.Unicode;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Publishes that were let in: handed to the log, the room or the read positions, and answered when those have decided, or refused.
/// </summary>
/// <remarks>What <see cref="IPublisher"/> asks for, the log thread and workers call; all else is the receive side's.</remarks>
internal sealed partial class Submissions(
    Writer writer, OwedAnswers answers, KeptSession kept, Delivery delivery, HeldFilters filters, Identity identity, ConnectionServices services) : IPublisher
{
    /// <summary>What one costs beside its payload while it is under way.</summary>
    private const int BytesOfPublish = 512;

    private static readonly PublishRefusal _badTyping =
        new(ReasonCode.PayloadFormatInvalid, "Typing is said with QoS 0 and an empty payload.", "bad_typing");

    private static readonly PublishRefusal _badPayloadFormat =
        new(ReasonCode.PayloadFormatInvalid, "The payload is said to be UTF-8 and is not.", "bad_payload_format");

    private bool _logSleeps;

    public ulong PublisherMark => identity.PublisherMark;

    public LoginSession? Session => identity.Session;

    public bool IsElsewhere => kept.IsElsewhere;

    /// <summary>Who pays for what is stored of this client.</summary>
    public StoragePayer Payer { get; private set; }

    /// <summary>Out of which is paid what is stored of what it says on data topics.</summary>
    public StorageQuota? DataQuota { get; private set; }

    /// <summary>The client is let in: at this expense it speaks. A will that could never be said is dropped.</summary>
    public void Admit(StoragePayer payer, StorageQuota ofData)
    {
        (Payer, DataQuota) = (payer, ofData);
        CheckWill();
    }

    public void Answer(PublishAnswer answer, List<IMember> touched) => answers.Give(answer, touched);

    /// <summary>The log has refused a publish by rule.</summary>
    public void Refuse(PublishAnswer answer, PublishRefusal refusal, string topic, List<IMember> touched)
    {
        (answer.Code, answer.Reason, answer.Refusal) = (refusal.Code, refusal.Reason, refusal);
        answer.FailedWithoutWord = ReferenceEquals(refusal, PublishRefusal.NoRoom);
        if (answer.FailedWithoutWord || (writer.IsVersion5 && answer.QualityOfService > 0))
        {
            answers.Give(answer, touched);
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
                one.Submissions.Refused(one.Answer.QualityOfService, one.Refusal, one.Topic);
                one.Submissions.Give(one.Answer);
            },
            (Submissions: this, Answer: answer, Refusal: refusal, Topic: topic),
            preferLocal: false);
    }

    /// <summary>The publishes of one read are written together: to be called when it is through.</summary>
    public void WakeLog()
    {
        if (_logSleeps)
        {
            _logSleeps = false;
            services.EventLog.Wake();
        }
    }

    /// <summary>The client was lost: its last will is a publish of the account like any other, with the rights of now.</summary>
    public void SayWill(LastWill will)
    {
        // Counted before rights are asked: who ends the login session from here on waits for it, and who ended it before is seen.
        answers.ExpectUnanswered();
        if (!services.Wills.Say(identity.Session!, identity.ClientId, identity.PublisherMark, will, this))
        {
            answers.Give();
        }
    }

    /// <summary>Goes to the room, and into no log.</summary>
    public void TakeTyping(in PublishPacket publish, PublishTarget target)
    {
        var wrong = publish.QualityOfService > 0 || !publish.Payload.IsEmpty ? _badTyping : null;
        if (target.Room is null)
        {
            if (wrong is not null || !services.Typing.Types(identity.Account, target))
            {
                RefuseAsOfNobody(publish, target, wrong);
            }

            return;
        }

        if (wrong is not null)
        {
            Refuse(publish, wrong, target.TopicText);
            return;
        }

        services.Typing.Types(identity.Account, target.Room, delivery);
    }

    /// <summary>Answered when it is on disk.</summary>
    public void TakeReadPosition(in PublishPacket publish, PublishTarget target)
    {
        if (services.Space.IsLow)
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
        if (answers.Expect(answer))
        {
            _ = MarkAsync(target, request, answer);
        }
    }

    // Answered when it is on disk. Never throws.
    private async Task MarkAsync(PublishTarget target, ReadRequest request, PublishAnswer answer)
    {
        var (outcome, now) = await MarkAsync(target, request);
        switch (outcome)
        {
            case MarkOutcome.NotOpen when target.Topic.With is not null:
                (answer.Code, answer.Reason) = (PublishTarget.NobodyThere.Code, PublishTarget.NobodyThere.Reason);
                Refused(answer.QualityOfService, PublishTarget.NobodyThere, target.TopicText);
                break;
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

        answers.GiveNow(answer);
    }

    private async Task<MarkResult> MarkAsync(PublishTarget target, ReadRequest request)
    {
        var stream = target.Stream;
        try
        {
            // Whether the two have talked, the disk says, for which a thread that serves sockets may not wait.
            if (target.Topic.With is { } with)
            {
                stream = await services.Conversations.FindSomebodyAsync(identity.Account, with, target.Conversation);
            }
        }
        catch (IOException)
        {
            return new MarkResult(MarkOutcome.NotStored);
        }

        return stream is null ? new MarkResult(MarkOutcome.NotOpen)
            : await services.Positions.MarkAsync(identity.Account, stream, request.Seq.GetValueOrDefault(), request.Epoch, request.Back);
    }

    /// <summary>A message or whisper goes to the log.</summary>
    /// <param name="refusal">
    /// A rule that forbids it; null: none that is known yet. It is told only if the log does not know the id:
    /// what is there already is acknowledged. So the rule goes along.
    /// </param>
    public void TakeCommand(in PublishPacket publish, PublishTarget target, PublishRefusal? refusal)
    {
        var limits = services.Limits;
        if (limits.PayloadBytes > 0 && publish.Payload.Length > limits.PayloadBytes)
        {
            refusal ??= PublishRefusal.PayloadTooLong(limits);
        }

        // MQTT 5.0, 3.3.2.3.2
        if (publish.SaysUtf8 && !Utf8.IsValid(publish.Payload))
        {
            RefuseAsOfNobody(publish, target, _badPayloadFormat);
            return;
        }

        if (Command.Parse(publish.Payload, publish.IdProperty, textLimit: 0, out var error) is not { } command)
        {
            RefuseAsOfNobody(publish, target, refusal ?? PublishRefusal.BadCommand(error));
            return;
        }

        if (/* guard: a conversation takes its own commands alone */ target.Room is null && !command.IsOfConversations)
        {
            RefuseAsOfNobody(publish, target, refusal ?? TalkRefusals.ForRooms);
            return;
        }

        // What was said to who is gone by now is acknowledged still, once the disk has told who that was.
        if (command.Act is not null || (target.IsToNobody && command.Id is not null))
        {
            TakeAct(publish, target, command, refusal);
            return;
        }

        refusal ??= command.OverLength(limits.TextLength) is { } tooLong ? PublishRefusal.BadCommand(tooLong) : null;
        var membership = target.Room?.MembershipOf(identity.Account.Id);
        if (target.Room is not null && membership is null)
        {
            // Taken off the list since the rules were asked.
            Refuse(publish, refusal ?? PublishRefusal.NoSuchRoom, target.TopicText);
            return;
        }

        refusal ??= membership is null ? null : RoomPolicy.WhyNotPost(target.Room!, membership, identity.Account);
        if (refusal is not null && command.Id is null)
        {
            RefuseAsOfNobody(publish, target, refusal);
            return;
        }

        var received = ReceivedOnce(publish);
        var from = /* guard: `from` is written by the server */ identity.CurrentAuthor;
        SaidPublish said = new(publish.PacketId, publish.QualityOfService, from, command, target, PublisherMark, this)
        {
            ContentHash = received is null ? 0 : publish.ContentHash(),
            Bytes = publish.Payload.Length + BytesOfPublish,
        };
        var room = target.Room;
        var named = room is not null && refusal is null ? services.Mentions.Find(room, identity.Account, command.Text) : null;
        DateTimeOffset? expiry = publish.ExpirySeconds is { } seconds ? services.Time.GetUtcNow().AddSeconds(seconds) : null;
        _logSleeps = true;
        if (!answers.Expect(said))
        {
            return;
        }

        var way = services.Conversations.WayTo(target, identity.Session!);
        var pending = PendingPublish.Of(way, said, membership, identity.Session!, Payer, expiry, received, refusal, named);
        if (!way.TryAppend(pending, moreFollows: true))
        {
            (said.Code, said.Reason) = (ReasonCode.NotAuthorized, "There is no such room, or it is not open to you.");
            answers.GiveNow(said);
        }
    }

    // A durable client sends it again on its next connection if the PUBREC gets lost, perhaps after a restart:
    // so that it was received is stored with it.
    private RecordChange? ReceivedOnce(in PublishPacket publish) => publish.QualityOfService == 2 && kept.IsDurable
        ? new RecordChange(
            DurableRecords.ReceivedKey(identity.Account.Id, identity.SessionName, publish.PacketId),
            DurableRecords.Received(publish.ContentHash()))
        : null;

    // Answered when it is on disk and in effect.
    private void TakeAct(in PublishPacket publish, PublishTarget target, Command command, PublishRefusal? refusal)
    {
        // Whose a message is, is read first, and what is under its id comes before a rule.
        var isOnMessage = command.Act is null or MessageAct;
        refusal ??= (/* guard: a token's verbs, acts */ isOnMessage || identity.Session!.Scope.Allows(target.Topic.Name, Verbs.Moderate)) ? null
            : new PublishRefusal(ReasonCode.NotAuthorized, "This access token may not do this: it lacks the verb moderate.", "not_allowed");
        if (refusal is not null && !isOnMessage)
        {
            Refuse(publish, refusal, target.TopicText);
            return;
        }

        var received = ReceivedOnce(publish);
        PublishAnswer answer = new(publish.PacketId, publish.QualityOfService)
        {
            ContentHash = received is null ? 0 : publish.ContentHash(), Bytes = publish.Payload.Length + BytesOfPublish,
        };
        if (answers.Expect(answer))
        {
            _ = ActAsync(target, command, answer, received, refusal);
        }
    }

    // Never throws.
    private async Task ActAsync(PublishTarget target, Command command, PublishAnswer answer, RecordChange? received, PublishRefusal? ruling)
    {
        ActResult result;
        AskedAct asked = new(command, identity.Session!, PublisherMark, received, ruling)
        {
            Receiver = received is null ? null : this,
            Accepted = (act, touched) =>
            {
                (answer.Seq, answer.Epoch) = (act.Seq, act.Epoch);
                answers.Give(answer, touched);
            },
        };
        try
        {
            result = await services.ActAsync(target, asked);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            result = new ActResult(PublishRefusal.NoRoom);
        }

        if (answer.IsDone)
        {
            return;
        }

        if (result.Refusal is not { } refusal)
        {
            (answer.Seq, answer.Epoch) = (result.Seq, result.Seq > 0 ? result.Epoch : null);
        }
        else
        {
            (answer.Code, answer.Reason, answer.Refusal) = (refusal.Code, refusal.Reason, refusal);
            answer.FailedWithoutWord = ReferenceEquals(refusal, PublishRefusal.NoRoom);
            if (!answer.FailedWithoutWord)
            {
                Refused(answer.QualityOfService, refusal, target.TopicText);
            }
        }

        answers.GiveNow(answer);
    }

    /// <summary>It cannot be stored now.</summary>
    public void Fail(in PublishPacket publish)
    {
        var answer = new PublishAnswer(publish.PacketId, publish.QualityOfService)
        {
            Code = ReasonCode.QuotaExceeded,
            Reason = "The message could not be stored. Send it again later.",
            FailedWithoutWord = true,
        };
        if (answers.Expect(answer))
        {
            answers.GiveNow(answer);
        }
    }

    // A will that could never be said does not refuse the CONNECT: it is dropped, and a notice says so.
    private void CheckWill()
    {
        if (kept.Will is { } will && services.Wills.WhyNever(identity.Session!, will) is { } reason)
        {
            var text = "The will was dropped: " + reason;
            kept.DropWill();
            filters.NotifyLater("will_dropped", text, will.Topic);
            services.Wills.DroppedAtConnect(identity.Session!, identity.ClientId, reason, will.Topic);
        }
    }

    private void Give(PublishAnswer answer) => answers.GiveNow(answer);
}
