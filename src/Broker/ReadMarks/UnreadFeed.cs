using System.Buffers;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>What one client is still to be told of what is unread.</summary>
/// <remarks>
/// <para>The bound: nothing is queued. It knows which rooms are to be named, each once. Their numbers are counted when they are written,
/// so the newest win. Of rooms lost it knows <see cref="RoomsPerPacket"/> at most; over that everything is stated anew.</para>
/// <para>Belongs to the worker of the account's inbox.</para>
/// </remarks>
internal sealed class UnreadFeed
{
    /// <summary>A packet with so many rooms has some 30 KiB at most.</summary>
    public const int RoomsPerPacket = 200;

    private readonly HashSet<Room> _changed = [];
    private readonly Queue<Room> _turns = new();
    private readonly Dictionary<string, RoomLoss> _lost = [];

    // By account id of the other.
    private readonly HashSet<string> _conversations = [];
    private Statement? _statement;

    public bool IsEmpty => _statement is null && _lost.Count == 0 && _changed.Count == 0 && _conversations.Count == 0;

    /// <summary>Whether more is to be written before the next second.</summary>
    public bool IsUrgent => _statement is not null || _lost.Count > 0;

    /// <summary>Everything is said, before anything else.</summary>
    /// <param name="wants">How the SUBSCRIBE that asks for it wants its packets; null: none did, it comes unasked, as changes do.</param>
    public void Begin(IReadOnlyList<Room> rooms, Wants? wants)
    {
        _statement = new Statement([.. rooms.Chunk(RoomsPerPacket)], wants);
        _lost.Clear();
        _changed.Clear();
        _turns.Clear();
    }

    public void Changed(Room room)
    {
        if (_changed.Add(room))
        {
            _turns.Enqueue(room);
        }
    }

    public void ConversationsChanged(IEnumerable<string> others) => _conversations.UnionWith(others);

    /// <summary>False: more have been lost than are kept. Begin anew.</summary>
    public bool TryLose(Room room, RoomLoss loss)
    {
        if (_changed.Remove(room))
        {
            var others = _turns.Where(other => other != room).ToArray();
            _turns.Clear();
            Array.ForEach(others, _turns.Enqueue);
        }

        _lost[room.Id.Value] = loss;
        return _lost.Count <= RoomsPerPacket;
    }

    /// <summary>
    /// Writes one packet, of what is due first. False: nothing was written, for nothing is due, or the client takes nothing just now.
    /// </summary>
    /// <param name="isTurn">The second's turn: changes may be named.</param>
    public bool TrySay(UnreadCounts counts, Subscriber subscriber, Wants wants, bool isTurn, List<IMember> touched)
    {
        // Asked before anything is counted.
        if (IsEmpty || !subscriber.Member.KeepsUp)
        {
            return false;
        }

        if (_statement is { } statement)
        {
            var frames = Frames(counts, writer => statement.Write(writer, counts), retain: statement.Wants is not null);
            if (!subscriber.Member.TryDeliver(subscriber, frames, statement.Wants ?? wants, touched))
            {
                return false;
            }

            _statement = statement.Next();
            return true;
        }

        if (_lost.Count > 0)
        {
            if (!subscriber.Member.TryDeliver(subscriber, Frames(counts, WriteLost), wants, touched))
            {
                return false;
            }

            _lost.Clear();
            return true;
        }

        return isTurn && TrySayChanged(counts, subscriber, wants, touched);
    }

    private bool TrySayChanged(UnreadCounts counts, Subscriber subscriber, Wants wants, List<IMember> touched)
    {
        Room[] named = [.. _turns.Take(RoomsPerPacket)];
        string[] others = [.. _conversations.Take(RoomsPerPacket)];
        var any = false;
        var frames = Frames(counts, writer =>
        {
            any = counts.WriteRooms(writer, named) || others.Length > 0;
            if (others.Length > 0)
            {
                counts.WriteConversations(writer, others);
            }
        });
        if (any && !subscriber.Member.TryDeliver(subscriber, frames, wants, touched))
        {
            return false;
        }

        foreach (var room in named)
        {
            _turns.Dequeue();
            _changed.Remove(room);
        }

        _conversations.ExceptWith(others);
        return any;
    }

    private void WriteLost(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("rooms"u8);
        foreach (var (room, loss) in _lost)
        {
            writer.WriteStartObject();
            writer.WriteString("room"u8, room);
            writer.WriteString("gone"u8, loss switch
            {
                RoomLoss.Left => "left"u8,
                RoomLoss.Removed => "removed"u8,
                RoomLoss.Deleted => "deleted"u8,
                _ => throw new InvalidOperationException($"{loss}"),
            });
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static PublishFrames Frames(UnreadCounts counts, Action<Utf8JsonWriter> write, bool retain = false)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, 1);
            writer.WriteString("type"u8, "unread"u8);
            write(writer);
            writer.WriteEndObject();
        }

        var topic = Encoding.ASCII.GetBytes($"users/{counts.Account.UserName}/unread");
        return new PublishFrames(TopicKind.Unread, topic, buffer.WrittenMemory, retain);
    }

    /// <summary>All rooms, in parts, and which part is next.</summary>
    private sealed record Statement(Room[][] Parts, Wants? Wants, int Part = 0)
    {
        public void Write(Utf8JsonWriter writer, UnreadCounts counts)
        {
            writer.WriteBoolean("all"u8, true);
            if (Parts.Length > 1)
            {
                writer.WriteNumber("part"u8, Part + 1);
                writer.WriteNumber("parts"u8, Parts.Length);
            }

            counts.WriteRooms(writer, Parts.Length == 0 ? [] : Parts[Part]);
        }

        public Statement? Next() => Part + 1 < Parts.Length ? this with { Part = Part + 1 } : null;
    }
}
