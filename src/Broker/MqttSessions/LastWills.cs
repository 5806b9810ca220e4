using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>Says the last wills of clients that were lost: at once, or when their delay is over or their MQTT session has ended.</summary>
/// <remarks>
/// Thread-safe. <see cref="DurableClients"/> keeps those that wait, at most one a durable client; what is due is said outside of its gate.
/// </remarks>
internal sealed partial class LastWills(
    RoomDirectory rooms,
    Conversations conversations,
    AuthInterceptor interceptor,
    DurableClients durable,
    DataSpaces data,
    IResumables connections,
    PublishBudgets budgets,
    StorageQuotas quotas,
    DataQuotas ofData,
    DiskSpace space,
    PublishRefusals refusals,
    BrokerLimits limits,
    TimeProvider time,
    DataHome? home = null)
{
    /// <summary>Asked at CONNECT. Null: it may be said as things are now; else what is wrong with it.</summary>
    public string? WhyNever(LoginSession session, LastWill will) => Prepare(session, will, out _, out _);

    /// <summary>Says a will with the rights of now, at the account's expense. False: nothing is on its way to a log.</summary>
    /// <param name="lost">The connection that is told when it is decided on; null: it is gone for good.</param>
    public bool Say(LoginSession session, string clientId, ulong publisherMark, LastWill will, IPublisher? lost)
    {
        // Its time came while the certificate was taken away. Nobody is told: who did that knows.
        if (will.Certificate is { } by && (/* guard: a will is said while its certificate counts */ session.Certificate?.Fingerprint.ToString() != by))
        {
            return false;
        }

        if (Prepare(session, will, out var target, out var command) is { } never)
        {
            Dropped(session, clientId, ReasonCode.NotAuthorized, never, will.Topic);
            return false;
        }

        if (target!.DataTopic is not null)
        {
            SayData(session, clientId, publisherMark, will, target);
            return false;
        }

        var membership = target.Room?.MembershipOf(session.Account.Id);
        if (target.Room is not null && membership is null)
        {
            Dropped(session, clientId, ReasonCode.NotAuthorized, "the account is not a member of the room.", will.Topic);
            return false;
        }

        // Whoever connects and is lost over and over publishes as well, and has no more of it than of messages.
        if (/* guard: will: paid for like a message */ !budgets.Of(session.Account.Id).TryTake(out _))
        {
            Dropped(session, clientId, ReasonCode.QuotaExceeded, "too many messages of the account in a short time.", will.Topic);
            return false;
        }

        DateTimeOffset? expiry = will.ExpirySeconds is { } seconds ? time.GetUtcNow().AddSeconds(seconds) : null;
        SaidPublish said = new(packetId: 0, qualityOfService: 0, Author.Of(session), command!, target, publisherMark, lost);
        StoragePayer payer = new(quotas.Of(session), space);
        var way = conversations.WayTo(target, session);
        return way.TryAppend(PendingPublish.Of(way, said, membership, session, payer, expiry));
    }

    /// <summary>Says those whose time has come. Called about once a second, and when an MQTT session has ended.</summary>
    public void SayDue()
    {
        foreach (var due in durable.TakeDueWills())
        {
            Say(
                due.Session, SessionName.ClientIdOf(due.ClientId), RecentPublishers.MarkOf(due.Session.Account.Id, due.ClientId), due.Will,
                lost: null);
        }
    }

    // Stands behind what the room's devices say, and is said with the rights of that moment.
    private void SayData(LoginSession session, string clientId, ulong publisherMark, LastWill will, PublishTarget target) =>
        _ = home is null ? SayDataAsync(session, clientId, publisherMark, will, target) : RelayAsync(session, clientId, publisherMark, will);

    // Never throws.
    private async Task SayDataAsync(LoginSession session, string clientId, ulong publisherMark, LastWill will, PublishTarget target)
    {
        var now = time.GetUtcNow();
        DataMessage message = new()
        {
            Topic = target.DataTopic!,
            Payload = will.Payload,
            Properties = will.Properties,
            QualityOfService = will.QualityOfService,
            Retain = will.Retain,
            ExpiresAt = will.ExpirySeconds is { } seconds ? now.AddSeconds(seconds) : null,
            At = now,
            PublisherMark = publisherMark,
        };
        try
        {
            var space = await data.OpenAsync(target.Room!);
            if (!space.Rate.TryTake(out _))
            {
                Dropped(session, clientId, ReasonCode.QuotaExceeded, "too many publishes in the room in a short time.", will.Topic);
                return;
            }

            var may = () => interceptor.MayPublish(session, target).IsAllowed;
            if (await space.PublishAsync(new AwaitedPublish(message, may, ofData.Of(session))) == DataOutcome.OverQuota)
            {
                Dropped(session, clientId, ReasonCode.QuotaExceeded, "the account has stored as much today as it may.", will.Topic);
            }
        }
        catch (IOException)
        {
            Dropped(session, clientId, ReasonCode.QuotaExceeded, "what is retained in the room could not be read.", will.Topic);
        }
    }

    private string? Prepare(LoginSession session, LastWill will, out PublishTarget? target, out Command? command)
    {
        command = null;
        target = rooms.Resolve(will.Topic, session.Scope.Mount);
        if (target is not { Topic.Kind: TopicKind.Events or TopicKind.Inbox or TopicKind.Data } || !interceptor.MayPublish(session, target).IsAllowed)
        {
            return "its topic is not one you may publish to.";
        }

        if (target.DataTopic is not null)
        {
            return null;
        }

        if (/* guard: will: held to the length of payloads */ limits.PayloadBytes > 0 && will.Payload.Length > limits.PayloadBytes)
        {
            return $"its payload is longer than {limits.PayloadBytes} bytes.";
        }

        command = Command.Parse(will.Payload, default, limits.TextLength, out var error);
        return command is null ? error
            : command.Act is not null ? "it is no message."
            : target.Room is null && !command.IsOfConversations ? TalkRefusals.ForRooms.Reason
            : null;
    }

    /// <summary>
    /// It was dropped at CONNECT, which the client itself is told once it listens to the account's inbox.
    /// Others that listen are told at once: many a client that has a will never does.
    /// </summary>
    public void DroppedAtConnect(LoginSession session, string clientId, string reason, string topic) =>
        Dropped(session, clientId, ReasonCode.NotAuthorized, reason, topic);

    // The client is gone, or hears nothing yet: the account's others, which listen to its inbox, are told in its place.
    private void Dropped(LoginSession session, string clientId, byte code, string reason, string topic)
    {
        refusals.Note(session, clientId, code, "will_dropped", "The will was dropped: " + reason, topic, isHeard: false);
        if (session.IsRevoked || !refusals.MayTellOfWill(session.Account.Id, clientId))
        {
            return;
        }

        connections.Notify(session.Account.Id, "will_dropped", $"The will of the client {PlainLine.Of(clientId)} was dropped: {reason}", topic);
    }
}
