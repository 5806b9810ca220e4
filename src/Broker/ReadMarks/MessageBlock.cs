using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>A message as it counts: its place and whose it is.</summary>
/// <param name="Author">Account id.</param>
/// <param name="IsBot">Said by an access token of the account.</param>
internal readonly record struct CountedMessage(long Seq, string Author, bool IsBot);

/// <summary>
/// The messages of one stretch of a log: block n has the seqs 256 n + 1 to 256 n + 256,
/// of which it knows those up to <paramref name="Through"/>.
/// </summary>
/// <param name="Epoch">The log's, by which a block of another life of the log is known.</param>
/// <param name="Messages">Oldest first; what else happened is not in it.</param>
internal sealed record MessageBlock(string Epoch, long Number, long Through, IReadOnlyList<CountedMessage> Messages)
{
    public const int Length = 256;

    private const byte Format = 1;
    private const byte Bot = 1;

    // Format, length of the epoch.
    private const int Header = 2;

    /// <summary>The block that a seq lies in.</summary>
    public static long NumberOf(long seq) => (seq - 1) / Length;

    /// <summary>The seq before a block's first.</summary>
    public static long FloorOf(long number) => number * Length;

    /// <summary>
    /// As it is stored, some two bytes a message: format (1) · epoch with its length (1) · through (8) · voices:
    /// how many less one (1), of each its author with its length (1) and whether it is a bot (1) · messages:
    /// of each its place in the block (1) and its voice (1). A block without a message ends after `through`.
    /// </summary>
    public byte[] ToBytes()
    {
        List<(string Author, bool IsBot)> voices = [.. Messages.Select(message => (message.Author, message.IsBot)).Distinct()];
        ArrayBufferWriter<byte> to = new(Header + Epoch.Length + sizeof(long) + 1 + (voices.Count * 24) + (2 * Messages.Count));
        Put(to, Format);
        PutText(to, Epoch);
        BinaryPrimitives.WriteInt64BigEndian(to.GetSpan(sizeof(long)), Through);
        to.Advance(sizeof(long));
        if (voices.Count == 0)
        {
            return to.WrittenSpan.ToArray();
        }

        Put(to, (byte)(voices.Count - 1));
        foreach (var (author, isBot) in voices)
        {
            PutText(to, author);
            Put(to, isBot ? Bot : (byte)0);
        }

        foreach (var message in Messages)
        {
            Put(to, (byte)(message.Seq - FloorOf(Number) - 1));
            Put(to, (byte)voices.IndexOf((message.Author, message.IsBot)));
        }

        return to.WrittenSpan.ToArray();
    }

    /// <summary>Reads one back from the store. Null: it is none that this version wrote, so the log is asked.</summary>
    public static MessageBlock? TryParse(long number, ReadOnlySpan<byte> bytes)
    {
        if (!TryTakeByte(ref bytes, out var format) || format != Format || !TryTakeText(ref bytes, out var epoch) || bytes.Length < sizeof(long))
        {
            return null;
        }

        var through = BinaryPrimitives.ReadInt64BigEndian(bytes);
        bytes = bytes[sizeof(long)..];
        return TryTakeMessages(number, bytes) is { } messages ? new MessageBlock(epoch, number, through, messages) : null;
    }

    private static List<CountedMessage>? TryTakeMessages(long number, ReadOnlySpan<byte> bytes)
    {
        if (!TryTakeByte(ref bytes, out var last))
        {
            return [];
        }

        List<(string Author, bool IsBot)> voices = new(last + 1);
        for (var i = 0; i <= last; i++)
        {
            if (!TryTakeText(ref bytes, out var author) || !TryTakeByte(ref bytes, out var flags))
            {
                return null;
            }

            voices.Add((author, (flags & Bot) != 0));
        }

        List<CountedMessage> messages = new(bytes.Length / 2);
        for (; bytes.Length >= 2; bytes = bytes[2..])
        {
            if (bytes[1] >= voices.Count)
            {
                return null;
            }

            var (author, isBot) = voices[bytes[1]];
            messages.Add(new CountedMessage(FloorOf(number) + 1 + bytes[0], author, isBot));
        }

        return bytes.IsEmpty ? messages : null;
    }

    private static void Put(ArrayBufferWriter<byte> to, byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }

    private static void PutText(ArrayBufferWriter<byte> to, string text)
    {
        Put(to, checked((byte)Encoding.UTF8.GetByteCount(text)));
        Encoding.UTF8.GetBytes(text, to);
    }

    private static bool TryTakeByte(ref ReadOnlySpan<byte> bytes, out byte value)
    {
        value = bytes.IsEmpty ? (byte)0 : bytes[0];
        if (bytes.IsEmpty)
        {
            return false;
        }

        bytes = bytes[1..];
        return true;
    }

    private static bool TryTakeText(ref ReadOnlySpan<byte> bytes, out string text)
    {
        text = "";
        if (!TryTakeByte(ref bytes, out var length) || bytes.Length < length)
        {
            return false;
        }

        text = Encoding.UTF8.GetString(bytes[..length]);
        bytes = bytes[length..];
        return true;
    }
}
