using System.Buffers;
using System.Buffers.Binary;

namespace WebMessenger.Broker.Nodes;

/// <summary>What one node says to another of a pipe. The number goes over the wire and never changes.</summary>
internal enum PipeFrameKind : byte
{
    /// <summary>A pipe begins; its bytes are the preface.</summary>
    Open = 1,

    /// <summary>The next bytes.</summary>
    Bytes = 2,

    /// <summary>So many bytes more may be sent: four bytes, big-endian.</summary>
    Room = 3,

    /// <summary>Nothing more comes.</summary>
    End = 4,

    /// <summary>It is over both ways, at once; <see cref="PipeFrames.Full"/>: there was no place for it.</summary>
    Abort = 5,

    /// <summary>All pipes between the two nodes that began before are over; its number is 0.</summary>
    Reset = 6,

    /// <summary>Whose bytes it has is to go to another node, as the opener stops.</summary>
    Leave = 7,
}

/// <summary>One thing that is said of one pipe.</summary>
/// <param name="IsOpener">Who says it has opened the pipe.</param>
/// <param name="Number">The opener's, never used again by it.</param>
internal readonly record struct PipeFrame(PipeFrameKind Kind, bool IsOpener, long Number, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Of a frame without its bytes.</summary>
    public const int HeadLength = 14;
}

/// <summary>Many frames in one message from node to node: a version, then frame after frame.</summary>
internal static class PipeFrames
{
    private const byte Version = 1;

    /// <summary>Bytes of an <see cref="PipeFrameKind.Abort"/>.</summary>
    public static readonly byte[] Full = [1];

    /// <summary>Writes a message.</summary>
    public static ReadOnlyMemory<byte> Write(IReadOnlyList<PipeFrame> frames)
    {
        var message = new byte[1 + frames.Sum(frame => PipeFrame.HeadLength + frame.Bytes.Length)];
        message[0] = Version;
        var at = 1;
        foreach (var frame in frames)
        {
            var head = message.AsSpan(at);
            (head[0], head[1]) = ((byte)frame.Kind, frame.IsOpener ? (byte)1 : (byte)0);
            BinaryPrimitives.WriteInt64BigEndian(head[2..], frame.Number);
            BinaryPrimitives.WriteInt32BigEndian(head[10..], frame.Bytes.Length);
            frame.Bytes.Span.CopyTo(head[PipeFrame.HeadLength..]);
            at += PipeFrame.HeadLength + frame.Bytes.Length;
        }

        return message;
    }

    /// <summary>False: it is no message of ours, and nothing of it counts.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> message, out IReadOnlyList<PipeFrame> frames)
    {
        List<PipeFrame> read = [];
        frames = read;
        if (message.IsEmpty || message.Span[0] != Version)
        {
            return false;
        }

        for (var rest = message[1..]; !rest.IsEmpty;)
        {
            if (rest.Length < PipeFrame.HeadLength)
            {
                return false;
            }

            var head = rest.Span;
            var length = BinaryPrimitives.ReadInt32BigEndian(head[10..]);
            var kind = (PipeFrameKind)head[0];
            if (length < 0 || length > rest.Length - PipeFrame.HeadLength || head[1] > 1
                || kind is < PipeFrameKind.Open or > PipeFrameKind.Leave || (kind == PipeFrameKind.Room && length != sizeof(int)))
            {
                return false;
            }

            read.Add(new PipeFrame(kind, head[1] == 1, BinaryPrimitives.ReadInt64BigEndian(head[2..]), rest.Slice(PipeFrame.HeadLength, length)));
            rest = rest[(PipeFrame.HeadLength + length)..];
        }

        return true;
    }

    public static ReadOnlyMemory<byte> Room(int bytes)
    {
        var room = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(room, bytes);
        return room;
    }
}
