using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>An account's numbers during one task: counted for the first client that is told them, and the same for the next.</summary>
internal sealed class UnreadCounts(ReadPositions positions, Inbox inbox)
{
    private readonly Dictionary<Room, (ReadState State, int Mentions)?> _states = [];

    public Account Account => inbox.Owner;

    /// <summary>Writes `rooms`. False: none of them is the account's any more.</summary>
    public bool WriteRooms(Utf8JsonWriter writer, IReadOnlyList<Room> rooms)
    {
        var any = false;
        writer.WriteStartArray("rooms"u8);
        foreach (var room in rooms)
        {
            any |= TryWrite(writer, room);
        }

        writer.WriteEndArray();
        return any;
    }

    /// <summary>Writes `conversations`.</summary>
    /// <param name="others">Account ids.</param>
    public void WriteConversations(Utf8JsonWriter writer, IEnumerable<string> others)
    {
        writer.WriteStartArray("conversations"u8);
        foreach (var other in others)
        {
            var conversation = inbox.With(other);
            writer.WriteStartObject();
            writer.WriteString("user"u8, conversation.User);
            try
            {
                if (positions.Find(Account, conversation) is { } state)
                {
                    WriteState(writer, state);
                }
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // As of a room: named without its numbers.
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteState(Utf8JsonWriter writer, in ReadState state)
    {
        writer.WriteNumber("head"u8, state.Head);
        writer.WriteString("epoch"u8, state.Epoch);
        writer.WriteNumber("seq"u8, state.Seq);
        writer.WriteNumber("unread"u8, state.Unread);
        writer.WriteNumber("bots"u8, state.Bots);
    }

    private bool TryWrite(Utf8JsonWriter writer, Room room)
    {
        (ReadState State, int Mentions)? found;
        var isReadable = true;
        try
        {
            found = StateOf(room);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The room is named all the same: what is left out of a statement is taken for lost.
            (found, isReadable) = (null, false);
        }

        if (found is null && (isReadable || !room.IsMember(Account.Id)))
        {
            return false;
        }

        writer.WriteStartObject();
        writer.WriteString("room"u8, room.IdBytes);
        if (found is var (state, mentions))
        {
            WriteState(writer, state);
            writer.WriteNumber("mentions"u8, mentions);
        }

        writer.WriteEndObject();
        return true;
    }

    private (ReadState State, int Mentions)? StateOf(Room room)
    {
        if (!_states.TryGetValue(room, out var state))
        {
            _states[room] = state = positions.Find(Account, room) is { } read
                ? (read, inbox.Notices.Index.CountAfter(room.Key, read.Seq)) : null;
        }

        return state;
    }
}

/// <summary>
/// Something of what is unread is to be said to an account's clients. In its turn in the account's inbox, as read positions are.
/// </summary>
internal abstract class UnreadTask(UnreadWatch watch) : IStreamTask
{
    /// <summary>Changes may be named, which happens once a second.</summary>
    protected virtual bool IsTurn => false;

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        var inbox = (Inbox)stream;
        UnreadCounts counts = new(watch.Positions, inbox);
        var (isUrgent, isLeft) = (false, false);
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.Unread is not { } wants)
            {
                continue;
            }

            var feed = (UnreadFeed)(subscriber.Place.Feed ??= new UnreadFeed());
            Note(inbox, feed, subscriber);
            var hasSaid = feed.TrySay(counts, subscriber, wants, IsTurn, touched);
            isUrgent |= hasSaid && feed.IsUrgent;
            isLeft |= !feed.IsEmpty;
        }

        if (isUrgent)
        {
            // In a turn of its own: whispers and positions come in between, however many rooms there are to be counted.
            stream.Enqueue(new UnreadRest(watch));
        }
        else if (isLeft)
        {
            watch.AgainLater(inbox);
        }
    }

    /// <summary>Notes what there is to be said to one client, before it is said.</summary>
    protected virtual void Note(Inbox inbox, UnreadFeed feed, Subscriber subscriber)
    {
        // The rest was noted before.
    }

    protected static bool MaySee(Subscriber subscriber, Room room) => /* guard: a token's rooms, what is unread */ ReadDelivery.MaySee(subscriber.Member, room.Id.Value);

    /// <summary>Everything, to this client.</summary>
    protected void State(Inbox inbox, UnreadFeed feed, Subscriber subscriber, Wants? wants) =>
        feed.Begin([.. watch.RoomsOf(inbox).Where(room => MaySee(subscriber, room))], wants);
}

/// <summary>Everything, to one client that has just subscribed.</summary>
internal sealed class UnreadReplay(UnreadWatch watch, IMember member, HeldFilter filter) : UnreadTask(watch)
{
    protected override void Note(Inbox inbox, UnreadFeed feed, Subscriber subscriber)
    {
        if (subscriber.Member == member)
        {
            State(inbox, feed, subscriber, Wants.Of([filter], _ => true));
        }
    }
}

/// <summary>The second's turn: these rooms and conversations have changed, and what could not be said before may be said now.</summary>
internal sealed class UnreadTurn(UnreadWatch watch, UnreadDue due) : UnreadTask(watch)
{
    protected override bool IsTurn => true;

    protected override void Note(Inbox inbox, UnreadFeed feed, Subscriber subscriber)
    {
        if (/* guard: a token's rooms, unread of conversations */ ReadDelivery.MaySee(subscriber.Member, null))
        {
            feed.ConversationsChanged(due.Conversations);
        }

        foreach (var room in due.Rooms)
        {
            if (MaySee(subscriber, room))
            {
                feed.Changed(room);
            }
        }
    }
}

/// <summary>A room is not the account's any more.</summary>
internal sealed class UnreadLoss(UnreadWatch watch, Room room, RoomLoss loss) : UnreadTask(watch)
{
    protected override void Note(Inbox inbox, UnreadFeed feed, Subscriber subscriber)
    {
        if (MaySee(subscriber, room) && !feed.TryLose(room, loss))
        {
            State(inbox, feed, subscriber, wants: null);
        }
    }
}

/// <summary>The rest of what does not wait for the next second.</summary>
internal sealed class UnreadRest(UnreadWatch watch) : UnreadTask(watch);
