using System.Buffers;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// A read position as the account's devices are shown it, on `users/{user}/read/{room}`, (whispers) `users/{user}/read` or
/// `users/{user}/conversations/{other}/read`.
/// </summary>
internal static class ReadDelivery
{
    /// <summary>
    /// Null: the account is not in the room any more, or its position cannot be read just now; whoever asks later is shown it.
    /// </summary>
    public static PublishFrames? FramesOf(ReadPositions positions, Account account, EventStream stream, bool retain)
    {
        try
        {
            return positions.Find(account, stream) is { } state
                ? new PublishFrames(TopicKind.Read, TopicOf(account, stream), Payload(stream, state), retain)
                : null;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            return null;
        }
    }

    public static string? RoomOf(EventStream stream) => (stream as Room)?.Id.Value;

    /// <summary>Whether an access token, or whatever else the client is signed in by, may see it.</summary>
    public static bool MaySee(IMember member, string? room)
    {
        var scope = member.Session!.Scope;
        return room is null ? scope.Rooms is null && scope.Verbs.HasFlag(Verbs.Read) : scope.Allows(room, Verbs.Read);
    }

    public static byte[] Payload(EventStream stream, in ReadState state)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, 1);
            writer.WriteString("type"u8, "read"u8);
            stream.WritePlace(writer);
            writer.WriteNumber("seq"u8, state.Seq);
            writer.WriteString("epoch"u8, state.Epoch);
            writer.WriteNumber("unread"u8, state.Unread);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] TopicOf(Account account, EventStream stream) =>
        stream is Conversation conversation ? [.. conversation.EventsTopic, .. "/read"u8]
        : Encoding.ASCII.GetBytes("users/" + account.UserName + "/read" + (RoomOf(stream) is { } room ? "/" + room : ""));
}

/// <summary>
/// A position has changed: shown as it is when the turn comes.
/// Takes its turn in the inbox of the account, whose clients are the ones to hear of it.
/// </summary>
internal sealed class ReadChange(ReadPositions positions, Account account, EventStream changed) : IStreamTask
{
    public void Deliver(EventStream stream, List<IMember> touched)
    {
        PublishFrames? frames = null;
        var room = ReadDelivery.RoomOf(changed);
        foreach (var subscriber in stream.Subscribers)
        {
            // Counted for the first who asks: most accounts have nobody who does.
            var wants = changed is Conversation conversation ? subscriber.ReadsOfConversation(conversation.User) : subscriber.ReadsOf(room);
            if (wants is not null && ReadDelivery.MaySee(subscriber.Member, room))
            {
                frames ??= ReadDelivery.FramesOf(positions, account, changed, retain: false);
                if (frames is null)
                {
                    return;
                }

                subscriber.Member.Deliver(subscriber, frames, wants, touched);
            }
        }
    }
}

/// <summary>The positions as they are, to one client that has just subscribed. In its turn, so that every change follows.</summary>
internal sealed class ReadReplay(ReadPositions positions, RoomDirectory rooms, IMember member, HeldFilter filter) : IStreamTask
{
    public void Deliver(EventStream stream, List<IMember> touched)
    {
        if (stream.SubscriberOf(member) is not { } subscriber)
        {
            return;
        }

        var account = member.Account;
        HeldFilter[] filters = [filter];

        // Of all conversations only changes come: how far each is read, their list says.
        if (filter.Filter.ReadConversation is { } user
            && ((Inbox)stream).WithUser(user) is { } conversation
            && ReadDelivery.MaySee(member, null)
            && ReadDelivery.FramesOf(positions, account, conversation, retain: true) is { } position)
        {
            member.Deliver(subscriber, position, Wants.Of(filters, _ => true)!, touched);
        }

        foreach (var place in rooms.RoomsOf(account.Id).Prepend(stream))
        {
            var room = ReadDelivery.RoomOf(place);
            if (filter.Filter.CoversReadsOf(room) && ReadDelivery.MaySee(member, room) && ReadDelivery.FramesOf(positions, account, place, retain: true) is { } frames)
            {
                member.Deliver(subscriber, frames, Wants.Of(filters, _ => true)!, touched);
            }
        }
    }
}

/// <summary>Hands a changed position to the inbox of its account, whose clients are told of it.</summary>
internal static class ReadNews
{
    public static void Connect(ReadPositions positions, UnreadWatch unread, RoomDirectory rooms, AccountDirectory accounts)
    {
        positions.Connect(accounts, (account, log) => log.RoomKey is { } key ? rooms.FindByKey(key)
            : rooms.FindInbox(account.Id) is not { } inbox ? null
            : log == inbox.Log ? inbox
            : log.Sides is var (one, other) && accounts.Find(one == account.Id ? other : one) is { } with ? inbox.With(with)
            : null);
        positions.Changed += (account, stream) =>
        {
            // Who has no inbox yet has no client that could hear of it.
            if (stream is not NoticeStream && rooms.FindInbox(account.Id) is { } inbox)
            {
                inbox.Enqueue(new ReadChange(positions, account, stream));
                if (stream is Room room)
                {
                    unread.PositionChanged(inbox, room);
                }
                else if (stream is Conversation conversation)
                {
                    unread.ConversationChanged(inbox, conversation.Other);
                }
            }
        };
        void Changed(string accountId, string other)
        {
            if (rooms.FindInbox(accountId) is { } inbox)
            {
                unread.ConversationChanged(inbox, other);
            }
        }

        positions.Recounted += log =>
        {
            if (log.RoomKey is { } key)
            {
                rooms.FindByKey(key)?.Watched?.Changed();
            }
            else if (log.Sides is var (one, other))
            {
                Changed(one, other);
                Changed(other, one);
            }
        };
    }
}
