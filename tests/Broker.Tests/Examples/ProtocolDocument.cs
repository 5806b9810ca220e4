using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>One example of docs/protocol.md.</summary>
/// <param name="Language">Of its block: `json` or `sh`.</param>
internal sealed record Example(int Line, string Section, string Language, string Text)
{
    /// <summary>As a document: what the text leaves out (`…`) is a field of that name, and in a list nothing.</summary>
    public JsonElement Json { get; } = Language == "json" ? ProtocolDocument.Parse(Text) : default;

    /// <summary>Something that a client sends: a command, or a read position.</summary>
    public bool IsSent => Json.ValueKind == JsonValueKind.Object && !Json.TryGetProperty("v", out _)
        && ((Json.TryGetProperty("type", out var type) && CommandTypes.OfRooms.Contains(type.GetString()))
            || Json.EnumerateObject().Select(one => one.Name).SequenceEqual(["seq", "epoch"]));

    /// <summary>What is sent to make an access token.</summary>
    public bool IsAskedToken => Section == "Access tokens" && Language == "json" && !Json.TryGetProperty("id", out _) && !Json.TryGetProperty("tokens", out _);

    public override string ToString() => $"docs/protocol.md:{Line} {Text}";
}

/// <summary>docs/protocol.md, as far as machines read it.</summary>
internal static partial class ProtocolDocument
{
    private static readonly string _path = Path.Combine(
        typeof(ProtocolDocument).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(item => item.Key == "Root").Value!, "docs", "protocol.md");

    /// <summary>All examples: each line of a block, and each event that stands within a line.</summary>
    public static IReadOnlyList<Example> Examples { get; } = [.. Read()];

    /// <summary>`GET /api/rooms`: all calls that it names, without what follows their path.</summary>
    public static IReadOnlySet<string> Calls { get; } = Call().Matches(File.ReadAllText(_path))
        .Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}").ToHashSet();

    public static JsonElement Parse(string text)
    {
        var whole = text.StartsWith('"') ? "{" + text + ",…}" : text;
        return JsonDocument.Parse(whole.Replace(",…}", ",\"…\":0}", StringComparison.Ordinal)
            .Replace("{…}", "{\"…\":0}", StringComparison.Ordinal)
            .Replace(",…]", "]", StringComparison.Ordinal)).RootElement;
    }

    private static IEnumerable<Example> Read()
    {
        var (number, section, language) = (0, "", (string?)null);
        foreach (var line in File.ReadLines(_path))
        {
            number++;
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                language = language is null ? line[3..] : null;
            }
            else if (language is not null)
            {
                yield return new Example(number, section, language, line);
            }
            else if (line.StartsWith('#'))
            {
                section = line.TrimStart('#', ' ');
            }
            else
            {
                foreach (Match match in InLine().Matches(line))
                {
                    yield return new Example(number, section, "json", match.Groups[1].Value);
                }
            }
        }
    }

    [GeneratedRegex("`(\\{\"v\":1[^`]*\\})`")]
    private static partial Regex InLine();

    [GeneratedRegex(@"\b(GET|POST|PUT|PATCH|DELETE)\*{0,2} `?(/api/[^`?\s*|]+)")]
    private static partial Regex Call();
}
