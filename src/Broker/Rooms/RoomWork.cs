using System.Buffers;
using System.Text;
using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Mqtt;

namespace WebMessenger.Broker.Rooms;

/// <summary>A join or leave on its way into the log and then to the members.</summary>
internal sealed class PendingAnnouncement(Room room, EventType type, Author first, IReadOnlyList<Author> others)
    : PendingAppend(room.Log, first.AccountId, null, default, EventBody.Presence(type, first, EventBody.NewId(), others)), IStreamEvent
{
    public PendingAppend Append => this;

    public ulong PublisherMark => 0;

    public string? Line() => null;

    public void Answer(List<MqttConnection> touched)
    {
        // Nobody waits for it. A store that does not write says nothing: presence itself is current all the same.
    }

    protected override void Completed() => room.Add(this);

    internal override void Proceed(bool mayWork) => room.Schedule(mayWork);
}

/// <summary>`rooms/{room}/presence/{user}` changed; <paramref name="shownAs"/> null: gone.</summary>
internal sealed class PresenceChange(Room room, string user, Author? shownAs, DateTimeOffset since) : IStreamTask
{
    public void Deliver(EventStream stream, List<MqttConnection> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.WantsPresence && subscriber.PresenceOf(user) is { } wants)
            {
                frames ??= new PublishFrames(TopicKind.Presence, room.PresenceTopic(user), shownAs is null ? default : Payload(shownAs, since));
                subscriber.Connection.Deliver(subscriber, frames, wants, touched);
            }
        }
    }

    public static byte[] Payload(Author author, DateTimeOffset since)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            EventBody.WriteAuthor(writer, author);
            writer.WriteString("since"u8, Timestamps.Format(since));
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>`rooms/{room}/info` changed.</summary>
internal sealed class InfoChange(Room room) : IStreamTask
{
    public void Deliver(EventStream stream, List<MqttConnection> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.Info is { } wants)
            {
                frames ??= new PublishFrames(TopicKind.Info, room.InfoTopic, room.InfoPayload());
                subscriber.Connection.Deliver(subscriber, frames, wants, touched);
            }
        }
    }
}

/// <summary>Somebody is typing.</summary>
internal sealed class TypingNote(Room room, MqttConnection publisher, string user) : IStreamTask
{
    public void Deliver(EventStream stream, List<MqttConnection> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.Typing is { } wants && !(wants.NoLocal && ReferenceEquals(subscriber.Connection, publisher)))
            {
                frames ??= new PublishFrames(TopicKind.Typing, room.TypingTopic, Encoding.ASCII.GetBytes("{\"user\":\"" + user + "\"}"));
                subscriber.Connection.DeliverIfIdle(subscriber, frames, wants, touched);
            }
        }
    }
}

/// <summary>
/// What is retained, to one client that has just subscribed. It takes its turn in the room's queue, so that what was current when it is sent is followed by every
/// change after.
/// </summary>
internal sealed class RetainedReplay(MqttConnection connection, HeldFilter filter) : IStreamTask
{
    public void Deliver(EventStream stream, List<MqttConnection> touched)
    {
        var room = (Room)stream;
        if (stream.SubscriberOf(connection) is not { } subscriber)
        {
            return;
        }

        HeldFilter[] filters = [filter];
        if (filter.Filter.Info)
        {
            var wants = Wants.Of(filters, _ => true)!;
            connection.Deliver(subscriber, new PublishFrames(TopicKind.Info, room.InfoTopic, room.InfoPayload(), retain: true), wants, touched);
        }

        if (!filter.Filter.Presence || !room.IsMember(connection.Account.Id))
        {
            return;
        }

        foreach (var (author, since) in room.SnapshotPresence())
        {
            if (filter.Filter.CoversPresenceOf(author.User))
            {
                var frames = new PublishFrames(TopicKind.Presence, room.PresenceTopic(author.User), PresenceChange.Payload(author, since), retain: true);
                connection.Deliver(subscriber, frames, Wants.Of(filters, _ => true)!, touched);
            }
        }
    }
}
