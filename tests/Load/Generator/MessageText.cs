using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;

namespace WebMessenger.Load.Generator;

/// <summary>
/// The text of a message, which carries what is needed to check and time its delivery: the room, the publisher, the message's number there
/// and when it was sent. Only characters that JSON leaves alone, so that it is found unchanged in a bare text and in an event.
/// </summary>
internal static class MessageText
{
    public const int MinimumLength = 48;

    private const int RoomAt = 6;
    private const int PublisherAt = RoomAt + 8;
    private const int NumberAt = PublisherAt + 4;
    private const int SentAt = NumberAt + 8;
    private const int End = SentAt + 16;

    private static ReadOnlySpan<byte> Mark => "~load:"u8;

    public static byte[] Create(int length, int room, int publisher)
    {
        var text = new byte[length];
        for (var i = 0; i < length; i++)
        {
            text[i] = (byte)('a' + (i % 26));
        }

        Mark.CopyTo(text);
        Write(text, RoomAt, 8, room);
        Write(text, PublisherAt, 4, publisher);
        return text;
    }

    public static void Stamp(Span<byte> text, int number)
    {
        Write(text, NumberAt, 8, number);
        Write(text, SentAt, 16, Stopwatch.GetTimestamp());
    }

    /// <summary>False: not one of ours, but a join, a leave or somebody else's.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out int room, out int publisher, out int number, out long sentAt)
    {
        (room, publisher, number, sentAt) = (0, 0, 0, 0);
        var start = payload.IndexOf(Mark);
        if (start < 0 || payload.Length < start + End)
        {
            return false;
        }

        var text = payload[start..];
        return TryParse(text[RoomAt..PublisherAt], out room)
            && TryParse(text[PublisherAt..NumberAt], out publisher)
            && TryParse(text[NumberAt..SentAt], out number)
            && Utf8Parser.TryParse(text[SentAt..End], out sentAt, out _, 'x');
    }

    private static bool TryParse(ReadOnlySpan<byte> hex, out int value) => Utf8Parser.TryParse(hex, out value, out _, 'x');

    private static void Write(Span<byte> text, int at, int digits, long value) =>
        value.TryFormat(text.Slice(at, digits), out _, digits switch { 4 => "x4", 8 => "x8", _ => "x16" }, CultureInfo.InvariantCulture);
}
