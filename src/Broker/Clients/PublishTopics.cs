using System.Text;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>The topics that a client publishes to: its aliases, and where the last one goes, for most clients speak in one room.</summary>
/// <remarks>The receive side's.</remarks>
internal sealed class PublishTopics(RoomDirectory rooms, Identity identity)
{
    /// <summary>The highest alias a client may set.</summary>
    public const ushort AliasMaximum = 16;

    /// <summary>In bytes: what is longer is no topic of ours.</summary>
    private const int LongestTopic = DataTopic.LargestPrefix + DataTopic.LargestLength;

    // By alias; most clients set none.
    private byte[]?[]? _aliases;
    private byte[] _lastTopic = [];
    private PublishTarget? _lastTarget;

    /// <summary>The topic that a PUBLISH names or its alias stands for; an alias that it sets is set.</summary>
    public ReadOnlySpan<byte> TopicOf(in PublishPacket publish)
    {
        if (publish.TopicAlias is not { } alias)
        {
            // MQTT 5.0, 3.3.2.1, and MQTT 3.1.1 [MQTT-4.7.3-1].
            return !publish.Topic.IsEmpty ? publish.Topic : throw new Violation(ReasonCode.ProtocolError, "The topic is empty.");
        }

        if (/* guard: topic aliases within their maximum */ alias is 0 or > AliasMaximum)
        {
            throw new Violation(ReasonCode.TopicAliasInvalid, "The topic alias is 0 or over the maximum announced.");
        }

        if (!publish.Topic.IsEmpty)
        {
            (_aliases ??= new byte[AliasMaximum + 1][])[alias] = publish.Topic.ToArray();
            return publish.Topic;
        }

        // MQTT 5.0, 3.3.4, item 3: no topic and no mapping is a protocol error; 0x94 is for what lies beyond the maximum.
        return _aliases?[alias] is { } known
            ? known
            : throw new Violation(ReasonCode.ProtocolError, "The topic alias has not been set on this connection.");
    }

    /// <summary>Null: this server has no such topic.</summary>
    public PublishTarget? Resolve(ReadOnlySpan<byte> topic)
    {
        if (_lastTarget is { IsCurrent: true } last && topic.SequenceEqual(_lastTopic))
        {
            return last;
        }

        if (/* guard: no wildcards in topics */ !MqttText.IsTopicName(topic))
        {
            throw new Violation(ReasonCode.ProtocolError, "The topic of a PUBLISH has no wildcards.");
        }

        var target = topic.Length > LongestTopic ? null : rooms.Resolve(Encoding.UTF8.GetString(topic), identity.Mount);
        if (target is not null)
        {
            (_lastTopic, _lastTarget) = (topic.ToArray(), target);
        }

        return target;
    }
}
