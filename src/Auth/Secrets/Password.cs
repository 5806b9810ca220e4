using System.Globalization;
using System.Text;
using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Secrets;

/// <summary>
/// A password as it is checked: RFC 8265's OpaqueString, which is NFC with all spaces made plain ones, nothing trimmed and no case folded.
/// </summary>
/// <remarks>
/// NFC, because the same key on two systems sends "é" as one code point or as two.
/// Control characters are taken too ("any Unicode, as it is"): here the RFC's ban would only lock out people whose password manager made
/// one. Not a record: nothing must print it.
/// </remarks>
internal sealed class Password
{
    /// <summary>In Unicode scalar values.</summary>
    public const int MinScalars = 10;

    public const int MaxBytes = 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private Password(string text, byte[] bytes) => (Text, Bytes) = (text, bytes);

    public string Text { get; }

    public byte[] Bytes { get; }

    /// <summary>Null: longer than any password can be, or no text at all (a lone surrogate). It can match nothing.</summary>
    public static Password? TryParse(string? text)
    {
        if (string.IsNullOrEmpty(text) || text.Length > MaxBytes || !UnicodeText.IsWellFormed(text))
        {
            return null;
        }

        var opaque = string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < from.Length; i++)
            {
                to[i] = char.GetUnicodeCategory(from[i]) == UnicodeCategory.SpaceSeparator ? ' ' : from[i];
            }
        }).Normalize(NormalizationForm.FormC);
        var bytes = Strict.GetBytes(opaque);
        return bytes.Length <= MaxBytes ? new Password(opaque, bytes) : null;
    }

    /// <summary>As <see cref="TryParse(string)"/>, of what an MQTT CONNECT carries.</summary>
    public static Password? TryParse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes)
        {
            return null;
        }

        try
        {
            return TryParse(Strict.GetString(utf8));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
