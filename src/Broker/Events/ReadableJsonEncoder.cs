using System.Text.Encodings.Web;

namespace WebMessenger.Broker.Events;

/// <summary>
/// Escapes in JSON only what must be, and what would disturb a terminal: quotes, backslashes, control characters and line separators.
/// Emoji stay emoji, which the relaxed encoder of .NET 10 writes as two `\u` escapes.
/// </summary>
internal sealed unsafe class ReadableJsonEncoder : JavaScriptEncoder
{
    private static readonly JavaScriptEncoder Escapes = UnsafeRelaxedJsonEscaping;

    public static ReadableJsonEncoder Instance { get; } = new();

    public override int MaxOutputCharactersPerInputCharacter => Escapes.MaxOutputCharactersPerInputCharacter;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar <= 0xFFFF && Escapes.WillEncode(unicodeScalar);

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        ReadOnlySpan<char> span = new(text, textLength);
        for (var i = 0; i < span.Length; i++)
        {
            if (char.IsSurrogate(span[i]))
            {
                if (!char.IsHighSurrogate(span[i]) || i + 1 == span.Length || !char.IsLowSurrogate(span[i + 1]))
                {
                    return i;
                }

                i++;
            }
            else if (Escapes.WillEncode(span[i]))
            {
                return i;
            }
        }

        return -1;
    }

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten) =>
        Escapes.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);
}
