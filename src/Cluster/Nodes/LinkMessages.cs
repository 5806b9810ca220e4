using System.Buffers.Binary;
using System.Text;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>One thing that is told.</summary>
internal readonly record struct Told(NodeTopic Topic, ReadOnlyMemory<byte> Message);

/// <summary>
/// What is told in one call: version (1 byte), name (length 1 byte, ASCII), number (8), then of each: topic (1), length (4), bytes.
/// </summary>
/// <param name="Number">One more with each batch to that node, the same if it is sent again.</param>
internal sealed record TellBatch(string From, long Number, IReadOnlyList<Told> Messages)
{
    public byte[] Write()
    {
        var bytes = new byte[LinkBytes.HeadLength(From) + Messages.Sum(told => 5 + told.Message.Length)];
        var rest = LinkBytes.WriteHead(bytes, From, Number);
        foreach (var told in Messages)
        {
            rest[0] = (byte)told.Topic;
            BinaryPrimitives.WriteInt32BigEndian(rest[1..], told.Message.Length);
            told.Message.Span.CopyTo(rest[5..]);
            rest = rest[(5 + told.Message.Length)..];
        }

        return bytes;
    }

    /// <summary>Null: it is not one, or of a version that this program does not know.</summary>
    public static TellBatch? Read(ReadOnlyMemory<byte> bytes)
    {
        if (LinkBytes.ReadHead(bytes) is not { } head)
        {
            return null;
        }

        List<Told> messages = [];
        for (var rest = head.Body; rest.Length > 0;)
        {
            if (rest.Length < 5 || BinaryPrimitives.ReadInt32BigEndian(rest.Span[1..]) is var length && (length < 0 || length > rest.Length - 5))
            {
                return null;
            }

            messages.Add(new((NodeTopic)rest.Span[0], rest.Slice(5, length)));
            rest = rest[(5 + length)..];
        }

        return new(head.From, head.Number, messages);
    }
}

/// <summary>What is asked: version, name and number as in <see cref="TellBatch"/>, the lowest number (8), topic (1), bytes.</summary>
/// <param name="Number">The same when it is asked again: then it is not done again.</param>
/// <param name="Lowest">Of the questions to that node whose answers are waited for: those before it are over.</param>
internal sealed record Question(string From, long Number, long Lowest, NodeTopic Topic, ReadOnlyMemory<byte> Message)
{
    private const int HeadLength = 9;

    public byte[] Write()
    {
        var bytes = new byte[LinkBytes.HeadLength(From) + HeadLength + Message.Length];
        var rest = LinkBytes.WriteHead(bytes, From, Number);
        BinaryPrimitives.WriteInt64BigEndian(rest, Lowest);
        rest[8] = (byte)Topic;
        Message.Span.CopyTo(rest[HeadLength..]);
        return bytes;
    }

    /// <summary>Null: it is not one, or of a version that this program does not know.</summary>
    public static Question? Read(ReadOnlyMemory<byte> bytes) => LinkBytes.ReadHead(bytes) is { Body.Length: >= HeadLength } head
        ? new(head.From, head.Number, BinaryPrimitives.ReadInt64BigEndian(head.Body.Span), (NodeTopic)head.Body.Span[8], head.Body[HeadLength..])
        : null;
}

/// <summary>How a question fares. The number goes over the wire.</summary>
internal enum AnswerKind : byte
{
    /// <summary>The bytes are the answer.</summary>
    Answered = 1,

    /// <summary>It is being worked on: ask again.</summary>
    Working = 2,

    /// <summary>The node serves nobody yet, so there is nothing that it could have to do.</summary>
    NotServing = 3,

    /// <summary>Whoever answers has failed, or there is nobody who does.</summary>
    Failed = 4,
}

/// <summary>What comes back: kind (1 byte), bytes.</summary>
internal readonly record struct Answer(AnswerKind Kind, ReadOnlyMemory<byte> Bytes = default)
{
    public byte[] Write() => [(byte)Kind, .. Bytes.Span];

    /// <summary>What cannot be read has failed.</summary>
    public static Answer Read(ReadOnlyMemory<byte> bytes) => bytes.Length > 0 ? new((AnswerKind)bytes.Span[0], bytes[1..]) : new(AnswerKind.Failed);
}

/// <summary>What all calls begin with.</summary>
file static class LinkBytes
{
    private const byte Version = 1;

    public static int HeadLength(string from) => 1 + 1 + from.Length + 8;

    public static Span<byte> WriteHead(Span<byte> bytes, string from, long number)
    {
        bytes[0] = Version;
        bytes[1] = (byte)from.Length;
        Encoding.ASCII.GetBytes(from, bytes[2..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes[(2 + from.Length)..], number);
        return bytes[HeadLength(from)..];
    }

    public static (string From, long Number, ReadOnlyMemory<byte> Body)? ReadHead(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < 2 || bytes.Span[0] != Version || bytes.Length < 10 + bytes.Span[1])
        {
            return null;
        }

        int name = bytes.Span[1];
        return (Encoding.ASCII.GetString(bytes.Span.Slice(2, name)), BinaryPrimitives.ReadInt64BigEndian(bytes.Span[(2 + name)..]), bytes[(10 + name)..]);
    }
}
