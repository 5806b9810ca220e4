using System.Buffers;
using System.Text;

namespace WebMessenger.Broker.Events;

/// <summary>
/// The beginning of a message that another one answers. It is taken whenever the answer is written out, from the message as it is then,
/// and stored nowhere: so what was edited or deleted is in no quote any more.
/// </summary>
internal static class Quote
{
    /// <summary>Unicode scalar values of the text that is quoted.</summary>
    public const int MostLetters = 160;

    /// <summary>The field `quote`, with the comma before it; empty: there is nothing to quote.</summary>
    /// <param name="body">Of what is answered; empty: it is not there any more.</param>
    public static ReadOnlyMemory<byte> Of(ReadOnlySpan<byte> body)
    {
        if (/* guard: only what is there is quoted */ EventBody.TypeOf(body) != EventType.Message)
        {
            return default;
        }

        var (user, text) = EventBody.SaidIn(body);
        ArrayBufferWriter<byte> json = new(256);
        json.Write(",\"quote\":"u8);
        using (var writer = EventBody.NewWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("user"u8, user);
            writer.WriteString("text"u8, Beginning(text));
            writer.WriteEndObject();
        }

        return json.WrittenMemory;
    }

    /// <summary>The first letters of a text.</summary>
    public static string Beginning(string text)
    {
        if (text.Length <= MostLetters)
        {
            return text;
        }

        var (length, letters) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (++letters > MostLetters)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return text[..length];
    }
}
