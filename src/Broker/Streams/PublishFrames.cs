using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Streams;

/// <summary>
/// One payload on one topic, encoded at most once per protocol version and QoS however many members receive it.
/// Used by one thread at a time.
/// </summary>
internal sealed class PublishFrames(TopicKind kind, byte[] topic, ReadOnlyMemory<byte> payload, bool retain = false, uint? expiry = null)
{
    private readonly EncodedPublish?[] _encoded = new EncodedPublish?[4];

    public TopicKind Kind => kind;

    public EncodedPublish For(bool isVersion5, Wants wants)
    {
        var retainsLive = wants.RetainAsPublished && (kind is TopicKind.Info or TopicKind.Presence or TopicKind.People or TopicKind.Read or TopicKind.Unread);
        if (isVersion5 && (wants.SubscriptionIds.Length > 0 || retainsLive))
        {
            return EncodedPublish.Encode(topic, payload.Span, wants.QualityOfService, retain || retainsLive, true, wants.SubscriptionIds, expiry);
        }

        ref var encoded = ref _encoded[(isVersion5 ? 2 : 0) | wants.QualityOfService];
        return encoded ??= EncodedPublish.Encode(topic, payload.Span, wants.QualityOfService, /* guard: events are not retained */ retain, isVersion5, [], expiry);
    }
}
