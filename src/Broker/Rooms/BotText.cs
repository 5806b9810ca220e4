using System.Text;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rooms;

/// <summary>How long what hooks and rules say is. It is cut, not refused: a program that calls a hook cannot say it shorter.</summary>
internal static class BotText
{
    /// <summary>Where nothing says how long a text may be.</summary>
    private const int Longest = 64 * 1024;

    private const char Cut = '…';

    /// <summary>
    /// UTF-16 characters behind which nothing of a text is said: who makes it can stop there, and it is still cut as a longer one is.
    /// </summary>
    public static int LongestFor(BrokerLimits limits) => limits.TextLength == 0 ? Longest : (int)Math.Min((2L * limits.TextLength) + 2, int.MaxValue);

    /// <summary>What of it is said.</summary>
    public static string Within(string text, BrokerLimits limits)
    {
        if (limits.TextLength == 0 || text.Length <= limits.TextLength)
        {
            return text;
        }

        StringBuilder cut = new(Math.Min(limits.TextLength, text.Length));
        var left = limits.TextLength - 1;
        foreach (var rune in text.EnumerateRunes())
        {
            if (left-- == 0)
            {
                return cut.Append(Cut).ToString();
            }

            cut.Append(rune.ToString());
        }

        return text;
    }
}
