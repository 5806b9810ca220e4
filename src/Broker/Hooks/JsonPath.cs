using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace WebMessenger.Broker.Hooks;

/// <summary>
/// A way into a JSON value: `alert.labels.host`, `commits[0].message`, `a['b c']`. Names and indexes alone: it is followed, never run.
/// </summary>
internal sealed class JsonPath
{
    public const int MaximumLength = 200;

    private static readonly SearchValues<char> _notInNames = SearchValues.Create("]{}'\" \t\r\n");

    private static readonly string[] _roots = ["$", "value_json"];

    private readonly List<(string? Name, int Index)> _steps;

    private JsonPath(List<(string? Name, int Index)> steps) => _steps = steps;

    /// <summary>The name that it is, if it is nothing else; null: it is more.</summary>
    public string? Name => _steps is [(var name, _)] ? name : null;

    /// <summary>`$` and `value_json` at its beginning are the whole value, as others write it.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out JsonPath? path)
    {
        path = null;
        if (text is null || text.Length is 0 or > MaximumLength)
        {
            return false;
        }

        List<(string? Name, int Index)> steps = [];
        var rest = text.AsSpan();
        foreach (var root in _roots)
        {
            if (rest.SequenceEqual(root))
            {
                path = new JsonPath([]);
                return true;
            }

            if (rest.StartsWith(root) && rest[root.Length] is '.' or '[')
            {
                rest = rest[root.Length..].TrimStart('.');
                break;
            }
        }

        for (var isFirst = true; !rest.IsEmpty; isFirst = false)
        {
            if (!TryTake(ref rest, isFirst || rest[0] == '[', steps))
            {
                return false;
            }
        }

        path = new JsonPath(steps);
        return steps.Count > 0;
    }

    /// <summary>What is there; null: nothing.</summary>
    public JsonElement? Find(JsonElement root)
    {
        var found = root;
        foreach (var (name, index) in _steps)
        {
            if (name is not null && found.ValueKind == JsonValueKind.Object && TryFind(found, name, out var member))
            {
                found = member;
            }
            else if (found.ValueKind == JsonValueKind.Array && index >= 0 && index < found.GetArrayLength())
            {
                found = found[index];
            }
            else
            {
                return null;
            }
        }

        return found;
    }

    private static bool TryFind(JsonElement element, string name, out JsonElement member)
    {
        try
        {
            return element.TryGetProperty(name, out member);
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate behind \u in the name of a member: System.Text.Json cannot compare it, and throws. Any device can write one.
            member = default;
            return false;
        }
    }

    /// <summary>What is there as text: a string as it is, anything else as JSON. Empty: nothing, or null.</summary>
    public string Read(JsonElement root) => Find(root) is { } found ? TextOf(found) : "";

    public static string TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Null or JsonValueKind.Undefined => "",
                _ => value.GetRawText(),
            };
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate behind \u: no Unicode text.
            return "";
        }
    }

    // One step off the front of the rest.
    private static bool TryTake(ref ReadOnlySpan<char> rest, bool isBare, List<(string? Name, int Index)> steps)
    {
        if (rest[0] == '[')
        {
            var quote = rest.Length > 1 && rest[1] is '\'' or '"' ? rest[1] : ']';
            var from = quote == ']' ? 1 : 2;
            var length = rest[from..].IndexOf(quote);
            var end = from + length + (quote == ']' ? 0 : 1);
            if (length <= 0 || end >= rest.Length || rest[end] != ']')
            {
                return false;
            }

            var inside = rest.Slice(from, length);
            rest = rest[(end + 1)..];
            return quote != ']' ? Add(inside.ToString(), -1)
                : int.TryParse(inside, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && Add(null, index);
        }

        if (!isBare)
        {
            if (rest[0] != '.')
            {
                return false;
            }

            rest = rest[1..];
        }

        var nameEnd = rest.IndexOfAny('.', '[') is >= 0 and var at ? at : rest.Length;
        var name = rest[..nameEnd];
        rest = rest[nameEnd..];
        return !name.IsEmpty && !name.ContainsAny(_notInNames)
            && Add(name.ToString(), int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1);

        bool Add(string? step, int index)
        {
            steps.Add((step, index));
            return true;
        }
    }
}
