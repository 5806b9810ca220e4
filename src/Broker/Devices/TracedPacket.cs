using System.Text;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Devices;

/// <summary>One packet of a traced device: what it was, and nothing of what it carried.</summary>
/// <param name="IsSent">By the server to the device.</param>
/// <param name="Bytes">Of the whole packet; 0: not known, which is so of CONNECT.</param>
/// <param name="PacketId">0: it has none.</param>
/// <param name="Topic">
/// Of PUBLISH as the client sees it, of SUBSCRIBE and UNSUBSCRIBE the filters; cut to <see cref="TopicLength"/> characters. Null: none, or
/// a topic alias stands for it.
/// </param>
/// <param name="QualityOfService">Of PUBLISH.</param>
/// <param name="Codes">Reason codes, <see cref="MostCodes"/> at most.</param>
internal sealed record TracedPacket(
    DateTimeOffset At, string ClientId, bool IsSent, PacketType Type, int Bytes, ushort PacketId = 0, string? Topic = null,
    byte QualityOfService = 0, bool IsRetain = false, bool IsDuplicate = false, byte[]? Codes = null)
{
    public const int TopicLength = 256;

    public const int MostCodes = 16;

    /// <summary>So much of the body is looked at: behind it is no more than what is cut, or a payload.</summary>
    public const int HeadBytes = 1024;

    /// <summary>Reads what of a packet is shown. It may be malformed: then less is.</summary>
    /// <param name="head">What follows the Remaining Length, up to <see cref="HeadBytes"/> of it.</param>
    /// <param name="bytes">Of the whole packet.</param>
    public static TracedPacket Read(
        DateTimeOffset at, string clientId, bool isSent, byte header, ReadOnlySpan<byte> head, int bytes, bool isVersion5)
    {
        TracedPacket packet = new(at, clientId, isSent, (PacketType)(header >> 4), bytes);
        PacketReader reader = new(head);
        switch (packet.Type)
        {
            case PacketType.Publish:
                var qos = (byte)((header >> 1) & 3);
                var topic = Text(ref reader, head);
                return packet with
                {
                    Topic = topic.Length == 0 ? null : topic,
                    QualityOfService = qos,
                    IsRetain = (header & 1) != 0,
                    IsDuplicate = (header & 8) != 0,
                    PacketId = qos > 0 && reader.TryReadUInt16(out var id) ? id : (ushort)0,
                };
            case PacketType.Subscribe or PacketType.Unsubscribe:
                return packet with { PacketId = Id(ref reader), Topic = Filters(ref reader, head, packet.Type, isVersion5) };
            case PacketType.SubAck or PacketType.UnsubAck:
                return packet with { PacketId = Id(ref reader), Codes = SkipProperties(ref reader, isVersion5) ? Take(reader.Rest, MostCodes) : null };
            case PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp:
                return packet with { PacketId = Id(ref reader), Codes = Take(reader.Rest, 1) };
            case PacketType.ConnAck:
                // Behind the flags.
                return packet with { Codes = reader.TryReadByte(out _) ? Take(reader.Rest, 1) : null };
            case PacketType.Disconnect or PacketType.Auth:
                return packet with { Codes = Take(head, 1) };
            default:
                return packet;
        }
    }

    /// <summary>A text as it is shown.</summary>
    public static string Cut(string text) => text.Length > TopicLength ? text[..TopicLength] + "…" : text;

    private static ushort Id(ref PacketReader reader) => reader.TryReadUInt16(out var id) ? id : (ushort)0;

    // Null: nothing to say, for all is well.
    private static byte[]? Take(ReadOnlySpan<byte> codes, int most) => codes.IsEmpty ? null : codes[..Math.Min(codes.Length, most)].ToArray();

    private static bool SkipProperties(ref PacketReader reader, bool isVersion5) =>
        !isVersion5 || (reader.TryReadVariableByteInteger(out var length) && reader.TryReadBytes(length, out _));

    // What there is of it, where it is longer than what is looked at.
    private static string Text(ref PacketReader reader, ReadOnlySpan<byte> head)
    {
        var begins = reader.Position;
        if (reader.TryReadBinary(out var text))
        {
            return Cut(Encoding.UTF8.GetString(text));
        }

        return head.Length > begins + 2 ? Cut(Encoding.UTF8.GetString(head[(begins + 2)..]) + "…") : "";
    }

    private static string? Filters(ref PacketReader reader, ReadOnlySpan<byte> head, PacketType type, bool isVersion5)
    {
        if (!SkipProperties(ref reader, isVersion5))
        {
            return null;
        }

        StringBuilder filters = new();
        while (!reader.IsAtEnd && filters.Length <= TopicLength)
        {
            var begins = reader.Position;
            var filter = Text(ref reader, head);
            if (filter.Length == 0 || reader.Position == begins)
            {
                break;
            }

            filters.Append(filters.Length > 0 ? ", " : "").Append(filter);
            if (type == PacketType.Subscribe)
            {
                reader.TryReadByte(out _);
            }
        }

        return filters.Length == 0 ? null : Cut(filters.ToString());
    }
}
