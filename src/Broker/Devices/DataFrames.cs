using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// The packets of one publish on a data topic: encoded at most once per protocol version, QoS, retain flag and way of naming the topic,
/// however many hear it.
/// </summary>
/// <remarks>Thread-safe: a packet may be encoded twice, and either is right.</remarks>
internal sealed class DataFrames(DataMessage message, byte[] prefix)
{
    private EncodedPublish?[]? _encoded;
    private long? _secondsLeft;

    public DataMessage Message => message;

    /// <summary>In the room's data log; 0: it is not in it.</summary>
    public long Seq { get; init; }

    /// <summary>It says that something before it is missing: a group's gap is over when a member is written it.</summary>
    public bool SaysGap { get; init; }

    /// <summary>
    /// What one who hears it has made of it for others of its kind. Of the space's thread, which disposes of it when all have heard it.
    /// </summary>
    public IDisposable? Shared { get; set; }

    /// <summary>About what it costs to keep it waiting.</summary>
    public int Length => message.Payload.Length + message.Properties.Length + (message.Topic.Length * 2) + prefix.Length;

    /// <summary>Null: it has expired [MQTT-3.3.2-5].</summary>
    /// <param name="isMounted">The client sees the topic without what stands before it.</param>
    /// <param name="expires">False: it was sent before at QoS 2, and is sent again whatever its expiry [MQTT-4.3.3-7].</param>
    public EncodedPublish? For(bool isVersion5, bool isMounted, in DataGrant grant, DateTimeOffset now, bool expires = true)
    {
        var left = message.SecondsLeft(now);
        if (!expires)
        {
            left = left is { } seconds ? Math.Max(seconds, 0) : null;
        }
        else if (/* guard: data that has expired */ left <= 0)
        {
            return null;
        }

        if (isVersion5 && grant.SubscriptionIds.Length > 0)
        {
            return Encode(true, isMounted, grant, left);
        }

        if (left != _secondsLeft)
        {
            // [MQTT-3.3.2-6] A second later it says a second less.
            (_secondsLeft, _encoded) = (left, null);
        }

        var encoded = _encoded ??= new EncodedPublish?[24];
        ref var one = ref encoded[(grant.QualityOfService * 8) | (isVersion5 ? 4 : 0) | (isMounted ? 2 : 0) | (grant.Retain ? 1 : 0)];
        return one ??= Encode(isVersion5, isMounted, grant, left);
    }

    /// <summary>All have heard it.</summary>
    public void EndSharing()
    {
        Shared?.Dispose();
        Shared = null;
    }

    private EncodedPublish Encode(bool isVersion5, bool isMounted, in DataGrant grant, long? left)
    {
        var length = Encoding.UTF8.GetByteCount(message.Topic);
        Span<byte> topic = stackalloc byte[DataTopic.LargestLength + DataTopic.LargestPrefix];
        var before = isMounted ? 0 : prefix.Length;
        prefix.AsSpan(0, before).CopyTo(topic);
        Encoding.UTF8.GetBytes(message.Topic, topic[before..]);
        topic = topic[..(before + length)];
        return EncodedPublish.EncodeWith(
            topic, message.Payload.Span, grant.QualityOfService, grant.Retain, isVersion5, isVersion5 ? PropertiesOf(grant, left) : []);
    }

    private ReadOnlySpan<byte> PropertiesOf(in DataGrant grant, long? left)
    {
        if (left is null && grant.SubscriptionIds.Length == 0)
        {
            return message.Properties.Span;
        }

        ArrayBufferWriter<byte> properties = new(message.Properties.Length + 5 + (5 * grant.SubscriptionIds.Length));
        if (left is { } seconds)
        {
            var expiry = properties.GetSpan(5);
            expiry[0] = PropertyId.MessageExpiryInterval;
            BinaryPrimitives.WriteUInt32BigEndian(expiry[1..], (uint)Math.Min(seconds, uint.MaxValue));
            properties.Advance(5);
        }

        properties.Write(message.Properties.Span);
        foreach (var id in grant.SubscriptionIds)
        {
            properties.Write([PropertyId.SubscriptionIdentifier]);
            PacketWriter.WriteVariableByteInteger(properties, id);
        }

        return properties.WrittenSpan;
    }
}
