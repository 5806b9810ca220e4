using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace WebMessenger.Broker.Hooks;

/// <summary>
/// A text with places for what was sent: `{repository.name}: {commits[0].message}`. `{{` and `}}` are braces. Nothing in it is run.
/// </summary>
internal sealed class SpokenTemplate
{
    public const int MaximumLength = 1_000;

    private const int MaximumPlaces = 40;

    // Either.
    private readonly List<(string? Text, JsonPath? Path)> _parts;

    private SpokenTemplate(List<(string? Text, JsonPath? Path)> parts) => _parts = parts;

    public static bool TryParse(string text, [NotNullWhen(true)] out SpokenTemplate? template)
    {
        template = null;
        if (string.IsNullOrWhiteSpace(text) || text.Length > MaximumLength || text.Contains('\0'))
        {
            return false;
        }

        List<(string? Text, JsonPath? Path)> parts = [];
        StringBuilder plain = new();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '}' && i + 1 < text.Length && text[i + 1] == text[i])
            {
                plain.Append(text[i++]);
            }
            else if (text[i] == '{')
            {
                var end = text.IndexOf('}', i);
                if (end < 0 || parts.Count > 2 * MaximumPlaces || !JsonPath.TryParse(text[(i + 1)..end].Trim(), out var path))
                {
                    return false;
                }

                parts.Add((plain.ToString(), null));
                parts.Add((null, path));
                plain.Clear();
                i = end;
            }
            else if (text[i] == '}')
            {
                return false;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        parts.Add((plain.ToString(), null));
        template = new SpokenTemplate(parts);
        return true;
    }

    /// <summary>The text with what was found in its places. Null: it has places, and nothing was found for any.</summary>
    /// <param name="find">What belongs in a place; empty: nothing.</param>
    /// <param name="most">
    /// UTF-16 characters of the text (<see cref="Rooms.BotText.LongestFor"/>). A template of a few places may else make megabytes of what
    /// was sent, which nobody says.
    /// </param>
    public string? Fill(Func<JsonPath, string> find, int most)
    {
        StringBuilder text = new();
        var hasPlaces = false;
        var hasFound = false;
        foreach (var (plain, path) in _parts)
        {
            if (/* guard: memory: what a template is filled to */ text.Length >= most)
            {
                break;
            }

            if (path is null)
            {
                text.Append(plain);
                continue;
            }

            var found = find(path);
            hasPlaces = true;
            hasFound |= found.Length > 0;
            text.Append(found.AsSpan(0, Math.Min(found.Length, most)));
        }

        return hasPlaces && !hasFound ? null : text.ToString(0, Math.Min(text.Length, most));
    }
}
