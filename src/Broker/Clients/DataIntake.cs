using System.Text.Unicode;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// A client's publishes on data topics: handed to the room's space, and answered when that has said them, and what is retained is stored.
/// </summary>
/// <remarks>The receive side's; what <see cref="DataPublish"/> asks for, any thread calls.</remarks>
internal sealed class DataIntake(
    OwedAnswers answers, KeptSession kept, Submissions submissions, Identity identity, ILife life, ConnectionServices services, DataRelay? relay)
{
    /// <summary>What one costs beside its payload while it is under way.</summary>
    private const int BytesOfPublish = 512;

    private static readonly PublishRefusal _full = new(
        ReasonCode.QuotaExceeded,
        "The room, or all rooms of its owner together, keep as many retained values as they may. Clear some first: publish an empty retained payload.",
        "data_full");

    private static readonly PublishRefusal _notAllowed = new(
        ReasonCode.NotAuthorized, "Data topics of this room are not yours to write any more.", "not_allowed");

    // Those of one read are said together.
    private DataSpace? _sleeping;

    /// <summary>Null: a publish on the room's data topics may be taken. Else it may be asked again after the task.</summary>
    /// <param name="isRetained">Nothing else needs what is retained.</param>
    public Task? Ready(Room room, bool isRetained) => IsRelayed ? relay!.Ready()
        : services.Data.Of(room) is var space && (!isRetained || space.Retained is { IsOpen: true }) && (!space.Log.HasCursors || space.Log.IsOpen)
            ? space.Calm() : OpenAsync(room);

    /// <summary>Null: the node that has the data topics sees to it.</summary>
    public RateBudget? RateOf(Room room) => IsRelayed ? null : services.Data.Of(room).Rate;

    public void Take(in PublishPacket publish, PublishTarget target)
    {
        var limit = services.Limits.DataPayloadBytes;
        if (/* guard: payload of a data topic */ limit > 0 && publish.Payload.Length > limit)
        {
            submissions.Refuse(
                publish, ReasonCode.QuotaExceeded, $"The payload is longer than {limit} bytes.", "payload_too_long", target.TopicText);
            return;
        }

        // MQTT 5.0, 3.3.2.3.2
        if (publish.SaysUtf8 && !Utf8.IsValid(publish.Payload))
        {
            submissions.Refuse(
                publish, ReasonCode.PayloadFormatInvalid, "The payload is said to be UTF-8 and is not.", "bad_payload_format", target.TopicText);
            return;
        }

        PublishAnswer answer = new(publish.PacketId, publish.QualityOfService)
        {
            ContentHash = kept.IsDurable && publish.QualityOfService == 2 ? publish.ContentHash() : 0,
            Bytes = publish.Payload.Length + BytesOfPublish,
            IsRelayed = IsRelayed,
        };
        if (!answers.Expect(answer))
        {
            return;
        }

        if (IsRelayed)
        {
            Relay(publish, target, answer);
            return;
        }

        var space = services.Data.Of(target.Room!);
        if (_sleeping != space)
        {
            Wake();
            _sleeping = space;
        }

        space.Enqueue(new Said(this, MessageOf(publish, target.DataTopic!), target, answer));
    }

    /// <summary>The publishes of one read are said together: to be called when it is through.</summary>
    public void Wake()
    {
        _sleeping?.Wake();
        _sleeping = null;
    }

    private DataMessage MessageOf(in PublishPacket publish, string topic)
    {
        var now = services.Time.GetUtcNow();
        return new DataMessage
        {
            Topic = topic,
            Payload = publish.Payload.ToArray(),
            Properties = publish.Properties.IsEmpty ? default : PacketProperties.PassedOn(publish.Properties),
            QualityOfService = publish.QualityOfService,
            Retain = publish.IsRetain,
            ExpiresAt = publish.ExpirySeconds is > 0 and var seconds ? now.AddSeconds(seconds) : null,
            At = now,
            PublisherMark = identity.PublisherMark,
        };
    }

    private bool IsRelayed => relay is { IsUsed: true };

    private void Relay(in PublishPacket publish, PublishTarget target, PublishAnswer answer)
    {
        relay!.Publish(target.TopicText, publish, new Relayed(this, answer, target.TopicText));
        if (publish.QualityOfService == 0)
        {
            answers.GiveNow(answer);
        }
    }

    private async Task OpenAsync(Room room)
    {
        try
        {
            await services.Data.OpenAsync(room);
        }
        catch (IOException)
        {
            await life.EndAsync(ReasonCode.ServerUnavailable, "What is retained in the room could not be read. Try again later.");
        }
    }

    private sealed class Said(DataIntake owner, DataMessage message, PublishTarget target, PublishAnswer answer) : DataPublish(message)
    {
        public override bool MayBeSaid => !owner.WasRevoked && RoomPolicy.MayWriteData(target.Room!, owner.Session)
            && (/* guard: what was received once on a data topic is said by who has the client */ answer.QualityOfService < 2 || !owner.IsElsewhere);

        public override StorageQuota? Quota => owner.Quota;

        public override RecordChange? Received => (/* guard: QoS 2 ids of data are stored */ answer.QualityOfService == 2) && owner.IsKept
            ? new(DurableRecords.ReceivedKey(owner.Session.Account.Id, owner.ClientId, answer.PacketId), DurableRecords.Received(answer.ContentHash))
            : null;

        public override void Done(DataOutcome outcome, List<IMember> touched)
        {
            switch (outcome)
            {
                case DataOutcome.Full:
                    owner.Refuse(answer, _full, target.TopicText, touched);
                    return;
                case DataOutcome.NoMemory:
                    // As of a full disk: a client of MQTT 3.1.1 is closed, and sends it again.
                    owner.Refuse(answer, PublishRefusal.NoRoom, target.TopicText, touched);
                    return;
                case DataOutcome.OverQuota:
                    owner.Refuse(answer, PublishRefusal.OverQuota(Wait), target.TopicText, touched);
                    return;
                case DataOutcome.NotAllowed:
                    owner.Refuse(answer, target.WhySilent(owner.Session) ?? _notAllowed, target.TopicText, touched);
                    return;
                case DataOutcome.NotStored:
                    (answer.Code, answer.Reason) = (ReasonCode.QuotaExceeded, "The value could not be stored. Send it again later.");
                    answer.FailedWithoutWord = true;
                    break;
            }

            owner.Give(answer, touched);
        }
    }

    private sealed class Relayed(DataIntake owner, PublishAnswer answer, string topic) : IRelayedPublish
    {
        public void Answered(RelayedAnswer said, List<IMember> touched)
        {
            if (said.Code >= 0x80 && !said.IsWithoutWord)
            {
                PublishRefusal refusal = new(said.Code, said.Reason ?? "", said.Name ?? "not_allowed", said.Retry);
                owner.Refuse(answer, refusal, topic, touched);
                return;
            }

            (answer.Code, answer.Reason, answer.FailedWithoutWord) = (said.Code, said.Reason, said.IsWithoutWord);
            owner.Give(answer, touched);
        }
    }

    private StorageQuota? Quota => submissions.DataQuota;

    private bool IsKept => kept.IsDurable;

    private bool IsElsewhere => kept.IsElsewhere;

    private string ClientId => kept.ClientId;

    private bool WasRevoked => life.WasRevoked;

    private Auth.Sessions.LoginSession Session => identity.Session!;

    private void Refuse(PublishAnswer answer, PublishRefusal refusal, string topic, List<IMember> touched) =>
        submissions.Refuse(answer, refusal, topic, touched);

    private void Give(PublishAnswer answer, List<IMember> touched) => answers.Give(answer, touched);
}
