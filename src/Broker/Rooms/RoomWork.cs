using System.Buffers;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Rooms;

/// <summary>`rooms/{room}/presence/{user}` changed.</summary>
internal sealed class PresenceChange(Room room, PresenceWord word, PresenceReach reach) : IStreamTask
{
    public bool MayWait => true;

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.WantsPresence && subscriber.PresenceOf(word.User, reach) is { } wants)
            {
                frames ??= new PublishFrames(
                    TopicKind.Presence,
                    room.PresenceTopic(word.User),
                    word.ShownAs is { } shownAs ? Payload(shownAs, word.Since) : default);
                subscriber.Member.Deliver(subscriber, frames, wants, touched);
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

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.Info is { } wants)
            {
                frames ??= new PublishFrames(TopicKind.Info, room.InfoTopic, InfoOf(room));
                subscriber.Member.Deliver(subscriber, frames, wants, touched);
            }
        }
    }

    /// <summary>What the room is called and how many are here.</summary>
    public static byte[] InfoOf(Room room)
    {
        var record = room.Record;
        var people = room.People;
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("room"u8, record.Id.Value);
            writer.WriteString("title"u8, PlainLine.Of(record.Title));
            writer.WriteString("topic"u8, PlainLine.Of(record.Topic));
            writer.WriteNumber("people"u8, people);
            writer.WriteString("visibility"u8, record.Visibility);
            if (record.Policy.Archived)
            {
                writer.WriteBoolean("archived"u8, true);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>Somebody is typing.</summary>
/// <param name="publisher">Null: a client of another node.</param>
internal sealed class TypingNote(Room room, IMember? publisher, string user) : IStreamTask
{
    public void Deliver(EventStream stream, List<IMember> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.Typing is { } wants && !(wants.NoLocal && ReferenceEquals(subscriber.Member, publisher)))
            {
                frames ??= new PublishFrames(TopicKind.Typing, room.TypingTopic, Encoding.ASCII.GetBytes("{\"user\":\"" + user + "\"}"));
                subscriber.Member.DeliverIfIdle(subscriber, frames, wants, touched);
            }
        }
    }
}

/// <summary>Somebody writes to the account.</summary>
internal sealed class ConversationTypingNote(Account by) : IStreamTask
{
    public void Deliver(EventStream stream, List<IMember> touched)
    {
        PublishFrames? frames = null;
        var user = by.UserName;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.TypingOf(user) is { } wants && /* guard: a token's rooms, who writes */ subscriber.Member.Session!.Scope.Rooms is null)
            {
                frames ??= new PublishFrames(
                    TopicKind.ConversationTyping,
                    Encoding.ASCII.GetBytes($"users/{((Inbox)stream).Owner.UserName}/conversations/{user}/typing"),
                    Encoding.ASCII.GetBytes("{\"user\":\"" + user + "\"}"));
                subscriber.Member.DeliverIfIdle(subscriber, frames, wants, touched);
            }
        }
    }
}

/// <summary>
/// What is retained, to one client that has just subscribed.
/// It takes its turn in the room's queue, so that what was current when it is sent is followed by every change after.
/// A long list comes in parts, between which the room goes on.
/// </summary>
/// <param name="rest">Who is still to be shown, by account; null: it begins.</param>
/// <param name="shown">How many were shown before.</param>
internal sealed class RetainedReplay(IMember member, HeldFilter filter, ArraySegment<string>? rest = null, int shown = 0) : IStreamTask
{
    private const int PeoplePerPart = 64;

    /// <summary>
    /// So many fit what may wait for one client; of a longer list the rest comes as the client takes it, or it would be cut off for
    /// the length of a list.
    /// </summary>
    private const int PeopleAtOnce = 2_048;

    public bool MayWait => true;

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        var room = (Room)stream;
        if (stream.SubscriberOf(member) is not { } subscriber)
        {
            return;
        }

        HeldFilter[] filters = [filter];
        if (filter.Filter.Info && rest is null)
        {
            var wants = Wants.Of(filters, _ => true)!;
            member.Deliver(subscriber, new PublishFrames(TopicKind.Info, room.InfoTopic, InfoChange.InfoOf(room), retain: true), wants, touched);
        }

        if (!filter.Filter.Presence || !RoomPolicy.MayHear(room, member.Account))
        {
            return;
        }

        if (shown >= PeopleAtOnce && !member.KeepsUp)
        {
            room.ReplayLater(this);
            return;
        }

        var all = Wants.Of(filters, _ => true)!;
        var people = rest ?? room.PresentAccounts();
        var part = people[..Math.Min(people.Count, PeoplePerPart)];

        // The client is shown people as they are now: what changed between the parts, the room has said to it already.
        foreach (var (author, since) in room.PresenceOf(part))
        {
            if (filter.Filter.CoversPresenceOf(author.User))
            {
                var frames = new PublishFrames(
                    TopicKind.Presence, room.PresenceTopic(author.User), PresenceChange.Payload(author, since), retain: true);
                member.Deliver(subscriber, frames, all, touched);
            }
        }

        if (part.Count < people.Count)
        {
            stream.Enqueue(new RetainedReplay(member, filter, people[part.Count..], shown + part.Count));
        }
    }
}

/// <summary>Something of a room that concerns one account: a notice to its clients that listen to their inbox.</summary>
/// <param name="code">Its name for programs. Whoever does not know it shows the text.</param>
/// <param name="held">What the account may not from now on, with its end and reason; null: it is about nothing of the kind.</param>
internal sealed class InboxNotice(Room room, string code, string text, Restriction? held = null) : IStreamTask
{
    public void Deliver(EventStream stream, List<IMember> touched)
    {
        PublishFrames? frames = null;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.Events is { } wants)
            {
                frames ??= new PublishFrames(TopicKind.Inbox, stream.EventsTopic, Payload());
                subscriber.Member.DeliverIfIdle(subscriber, frames, wants, touched);
            }
        }
    }

    private byte[] Payload()
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, 1);
            writer.WriteString("type"u8, "notice"u8);
            writer.WriteString("code"u8, code);
            writer.WriteString("text"u8, text);
            writer.WriteString("topic"u8, room.EventsTopic);
            if (held?.Until is { } until)
            {
                writer.WriteString("until"u8, Timestamps.Format(until));
            }

            if (held?.Reason is { } reason)
            {
                writer.WriteString("reason"u8, reason);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
