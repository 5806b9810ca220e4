using System.Text;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>Makes what people wrote safe to print as one line of a terminal or display.</summary>
internal static class PlainLine
{
    private const string LineBreak = " ⏎ ";

    /// <summary>
    /// Removes C0, DEL, C1 and bidi controls, so that nobody can colour a shell or turn a line around,
    /// and makes a line break visible, so that nobody can forge a line.
    /// </summary>
    public static string Of(string text)
    {
        if (/* guard: one harmless line in /text */ !NeedsWork(text))
        {
            return text;
        }

        var line = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
            {
                continue;
            }

            if (c is '\n' or '\r' or '\u0085' or '\u2028' or '\u2029')
            {
                line.Append(LineBreak);
            }
            else if (c == '\t')
            {
                line.Append(' ');
            }
            else if (!char.IsControl(c) && !IsBidiControl(c))
            {
                line.Append(c);
            }
        }

        return line.ToString();
    }

    /// <summary>What somebody did to another, behind two asterisks, with which no message's line begins.</summary>
    public static string OfAct(string text) => "** " + Of(text);

    /// <summary>
    /// A name where a line begins. One that begins with an asterisk is shown with another one: nobody forges by it what moderators did, nor
    /// what somebody does.
    /// </summary>
    public static string OfName(string name) => /* guard: no name begins a line as an act does */ name.StartsWith('*') ? '∗' + Of(name[1..]) : Of(name);

    /// <summary>What people wrote as it is stored, one line, or what is wrong with the field; null stays null.</summary>
    /// <param name="most">Characters.</param>
    public static string? Checked(string? text, string field, int most, string tooLong, List<FieldError> errors)
    {
        var line = text is null ? null : Of(text).Trim();
        if (/* guard: length of what is said to who looks after a room */ line?.EnumerateRunes().Count() > most)
        {
            errors.Add(new FieldError(field, "too_long", tooLong));
        }

        return line;
    }

    private static bool NeedsWork(string text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c) || IsBidiControl(c) || c is '\u2028' or '\u2029')
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsBidiControl(char c) => c is '\u061C' or '\u200E' or '\u200F' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
