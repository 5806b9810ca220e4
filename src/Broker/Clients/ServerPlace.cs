using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <summary>A client among those who hear what the server says of itself, with its filters on that.</summary>
/// <remarks>
/// Changed under the gate of <see cref="HeldFilters"/>, asked by any thread. Values are said at QoS 0: one that the client's socket has no
/// room for is dropped, and the next interval brings it again.
/// </remarks>
internal sealed class ServerPlace(Writer writer, Identity identity, TimeProvider time)
{
    // Replaced as a whole, for other threads ask it.
    private volatile HeldFilter[] _filters = [];

    /// <summary>The client's world is one room: of the server it hears what any device may know.</summary>
    public bool IsMounted => identity.Mount is not null;

    public void Hold(HeldFilter[] filters) => _filters = filters;

    /// <summary>What there is, because a subscription was made: with the flag [MQTT-3.3.1-8].</summary>
    public void Replay(IReadOnlyList<DataFrames> values, HeldFilter filter) => Write(values, [filter], isReplay: true);

    /// <summary>At the interval.</summary>
    public void Hear(IReadOnlyList<DataFrames> values)
    {
        Write(values, _filters, isReplay: false);
        writer.Flush();
    }

    private void Write(IReadOnlyList<DataFrames> values, HeldFilter[] filters, bool isReplay)
    {
        lock (writer.Gate)
        {
            foreach (var frames in values)
            {
                var topic = frames.Message.Topic;
                var matching = Array.FindAll(filters, filter => filter.Filter.Server!.Matches(topic));
                if (matching.Length == 0 || !MayHear(topic))
                {
                    continue;
                }

                if (writer.IsSilent || !(/* guard: $SYS of who does not read is dropped */ writer.HasRoom(Writer.EventBytesLimit)))
                {
                    return;
                }

                DataGrant grant = new(
                    QualityOfService: 0,
                    Retain: isReplay || identity.IsBridge || Array.Exists(matching, filter => filter.RetainAsPublished),
                    [.. matching.Select(filter => filter.SubscriptionId).Where(id => id > 0)]);
                if (frames.For(writer.IsVersion5, isMounted: false, grant, time.GetUtcNow()) is { } publish && publish.Length <= writer.MaximumPacket)
                {
                    writer.Write(publish, packetId: 0);
                }
            }
        }
    }

    // Asked at each delivery: an administrator may be one no longer.
    private bool MayHear(string topic) => identity.Session is { } session
        && (IsMounted ? (/* guard: $SYS that a token hears */ GrantedTopics.MayRead(session.Scope, topic)) : RoomAccess.MayHearServer(session));
}
