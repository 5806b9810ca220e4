using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>
/// An e-mail address as it was typed, and the key under which it is unique: whatever its case, and however its domain is written.
/// </summary>
/// <remarks>
/// The grammar is what mail systems in use accept (dot-atom and a host name), not all of RFC 5322: no quotes, comments or address literals.
/// </remarks>
public readonly record struct EmailAddress
{
    private const int MaxLength = 254;
    private const int MaxLocalBytes = 64;

    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    private EmailAddress(string value, string key) => (Value, Key) = (value, key);

    public string Value { get; }

    public string Key { get; }

    public static bool TryParse(string? text, out EmailAddress email)
    {
        email = default;
        if (text is null || text.Length > MaxLength || !UnicodeText.IsWellFormed(text))
        {
            return false;
        }

        var value = text.Trim(' ').Normalize(NormalizationForm.FormC);
        var at = value.LastIndexOf('@');
        if (at < 1 || !IsLocalPart(value[..at]) || !TryHost(value[(at + 1)..], out var host))
        {
            return false;
        }

        email = new EmailAddress(value, value[..at].ToLowerInvariant() + "@" + host);
        return true;
    }

    private static bool IsLocalPart(string local)
    {
        if (Encoding.UTF8.GetByteCount(local) > MaxLocalBytes || local[0] == '.' || local[^1] == '.' || local.Contains("..", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var rune in local.EnumerateRunes())
        {
            var allowed = rune.IsAscii
                ? Rune.IsLetterOrDigit(rune) || ".!#$%&'*+/=?^_`{|}~-".Contains((char)rune.Value, StringComparison.Ordinal)
                : Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
            if (!allowed)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryHost(string text, out string host)
    {
        host = "";
        try
        {
            host = Idn.GetAscii(text).ToLowerInvariant();
            return host.Length <= 253 && host[^1] != '.';
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    public override string ToString() => Value;
}
