using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>A text as a room's guard looks at it: whether a page would show a link in it, and what is left of it without case, accents and
/// blanks.</summary>
/// <remarks>Each is found out once, when it is asked for. <see cref="Read"/> does so before the log thread asks.</remarks>
internal sealed class GuardedText(string text)
{
    private const string Short = "www.";

    // Where a link ends, as the page has it in lib/links.ts.
    private static readonly SearchValues<char> _ends = SearchValues.Create(
        "<>\"'`\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069“”„‟«»‹›、。，．：；！？（）［］｛｝｢｣､｡〈〉《》「」『』【】〔〕〖〗〘〙〚〛");

    private bool? _hasLink;
    private ulong? _fold;

    /// <summary>An address of the web, as the page recognises it. One that no browser takes counts as well.</summary>
    public bool HasLink => _hasLink ??= FindsLink(text);

    /// <summary>Equal for texts that differ in case, accents, blanks and what is not seen alone.</summary>
    public ulong Fold => _fold ??= FoldOf(text);

    /// <summary>Finds out what this guard will ask for.</summary>
    public GuardedText Read(GuardPolicy guard)
    {
        _ = guard.NewcomerMinutes > 0 && HasLink;
        _ = guard.Repeats > 0 ? Fold : 0;
        return this;
    }

    private static bool FindsLink(string text)
    {
        for (var at = text.IndexOf("://", StringComparison.Ordinal); at >= 0; at = text.IndexOf("://", at + 1, StringComparison.Ordinal))
        {
            var before = text.AsSpan(0, at);
            if ((before.EndsWith("http", StringComparison.OrdinalIgnoreCase) || before.EndsWith("https", StringComparison.OrdinalIgnoreCase))
                && at + 3 < text.Length
                && !Ends(text[at + 3]))
            {
                return true;
            }
        }

        // Of a text without blanks the end is found once, however many beginnings it has: whoever writes it chooses how many.
        var end = 0;
        for (var at = IndexOfShort(text, 0); at >= 0; at = IndexOfShort(text, at + 1))
        {
            if (end <= at)
            {
                end = EndFrom(text, at);
            }

            if ((at == 0 || !(char.IsLetterOrDigit(text[at - 1]) || text[at - 1] is '_' or '@' or '/' or '.' or '-')) && IsHost(text.AsSpan((at + Short.Length)..end)))
            {
                return true;
            }
        }

        return false;
    }

    private static int IndexOfShort(string text, int from) => text.IndexOf(Short, from, StringComparison.OrdinalIgnoreCase);

    // A name, a dot and the beginning of another: of a sentence that speaks of "www." nothing is a link.
    // The dot is at the latest that of the next beginning, so that all of them together look at each letter once.
    private static bool IsHost(ReadOnlySpan<char> rest)
    {
        var dot = rest.IndexOf('.');
        return dot > 0 && !rest[..dot].ContainsAny('/', '?', '#') && dot + 1 < rest.Length && rest[dot + 1] is not ('.' or '/' or '?' or '#');
    }

    private static int EndFrom(string text, int at)
    {
        while (at < text.Length && !Ends(text[at]))
        {
            at++;
        }

        return at;
    }

    private static bool Ends(char letter) => char.IsWhiteSpace(letter) || char.IsControl(letter) || _ends.Contains(letter);

    private static ulong FoldOf(string text)
    {
        StringBuilder left = new(text.Length);
        foreach (var rune in SearchText.Of(text).EnumerateRunes())
        {
            if (!Rune.IsWhiteSpace(rune) && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format))
            {
                left.Append(rune.ToString());
            }
        }

        return BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(left.ToString())));
    }
}
