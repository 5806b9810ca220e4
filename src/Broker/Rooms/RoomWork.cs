using System.Buffers;
using System.Text;
using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Mqtt;
using WebMessenger.Broker.Presence;

namespace WebMessenger.Broker.Rooms;

/// <summary>A join or leave on its way into the log and then to the members.</summary>
internal sealed class PendingAnnouncement(Room room, EventType type, Author first, IReadOnlyList<Author> others)
    : PendingAppend(room.Log, first.AccountId, null, default, EventBody.Presence(type, first, EventBody.NewId(), others)), IStreamEvent
{
    public PendingAppend Append => this;

    public MqttConnection? Publisher => null;

    public string? Line() => null;

    public void Answer(List<MqttConnection> touched)
    {
        // Nobody waits for it. A store that does not write says nothing: presence itself is current all the same.
    }

    protected override void Completed() => room.Add(this);

    internal override void Proceed(bool mayWork) => room.Schedule(mayWork);
}

/// <summary>`rooms/{room}/presence/{user}` changed.</summary>
internal sealed class PresenceChange(Room room, PresenceWord word) : IStreamTask
{
    public bool MayWait => true;

    public void Deliver(EventStream stream, List<MqttConnection> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.WantsPresence && subscriber.PresenceOf(word.User) is { } wants)
            {
                frames ??= new PublishFrames(TopicKind.Presence, room.PresenceTopic(word.User), word.ShownAs is { } shownAs ? Payload(shownAs, word.Since) : default);
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
    public bool MayWait => true;

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
/// change after. A long list comes in parts, between which the room goes on.
/// </summary>
/// <param name="rest">Who is still to be shown, by account; null: it begins.</param>
internal sealed class RetainedReplay(MqttConnection connection, HeldFilter filter, ArraySegment<string>? rest = null) : IStreamTask
{
    private const int PeoplePerPart = 64;

    public bool MayWait => true;

    public void Deliver(EventStream stream, List<MqttConnection> touched)
    {
        var room = (Room)stream;
        if (stream.SubscriberOf(connection) is not { } subscriber)
        {
            return;
        }

        HeldFilter[] filters = [filter];
        if (filter.Filter.Info && rest is null)
        {
            var wants = Wants.Of(filters, _ => true)!;
            connection.Deliver(subscriber, new PublishFrames(TopicKind.Info, room.InfoTopic, room.InfoPayload(), retain: true), wants, touched);
        }

        if (!filter.Filter.Presence || !room.IsMember(connection.Account.Id))
        {
            return;
        }

        var all = Wants.Of(filters, _ => true)!;
        var people = rest ?? room.PresentAccounts();
        var part = people[..Math.Min(people.Count, PeoplePerPart)];

        // As they are now, for a change that came between the parts has been said already.
        foreach (var (author, since) in room.PresenceOf(part))
        {
            if (filter.Filter.CoversPresenceOf(author.User))
            {
                var frames = new PublishFrames(TopicKind.Presence, room.PresenceTopic(author.User), PresenceChange.Payload(author, since), retain: true);
                connection.Deliver(subscriber, frames, all, touched);
            }
        }

        if (part.Count < people.Count)
        {
            stream.Enqueue(new RetainedReplay(connection, filter, people[part.Count..]));
        }
    }
}
