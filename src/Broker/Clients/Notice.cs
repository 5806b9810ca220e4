using System.Buffers;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// A notice: what the server says to one connection on its inbox's topic, at QoS 0 and stored nowhere (docs/protocol.md, notices).
/// </summary>
internal static class Notice
{
    /// <param name="inbox">The filter by which the client listens.</param>
    /// <param name="retry">Seconds after which it may be sent again; 0: not said.</param>
    public static EncodedPublish Encode(HeldFilter inbox, bool isVersion5, string code, string text, string topic, int retry)
    {
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

        var ids = isVersion5 && inbox.SubscriptionId != 0 ? new[] { inbox.SubscriptionId } : [];
        return EncodedPublish.Encode(Encoding.ASCII.GetBytes("users/" + inbox.Filter.Inbox), buffer.WrittenSpan, 0, false, isVersion5, ids);
    }
}
