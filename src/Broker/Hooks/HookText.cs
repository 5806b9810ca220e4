using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Hooks;

/// <summary>What a body would say, or why it says nothing.</summary>
/// <param name="Words">Null: nothing is said.</param>
/// <param name="Why">
/// `no_text`: there is no text in it; `invalid_json`; `invalid_id`; `nothing`: the hook's template finds nothing in it, as in a kind of
/// call that it was not made for. Empty: there are words.
/// </param>
internal sealed record HookWords(BotWords? Words, string Why)
{
    public static HookWords None(string why) => new(null, why);
}

/// <summary>
/// Reads what was posted to a hook: plain text; our own JSON (`type` `message`); Slack's (`text`, `username`, `attachments`), also in the
/// form field `payload`; any other JSON by the hook's template, or by the field in which such programs have their text.
/// </summary>
internal static partial class HookText
{
    /// <summary>Unicode scalar values of what a caller calls itself; longer ones are cut.</summary>
    public const int LongestVia = 64;

    private const int MostAttachments = 20;
    private const int MostFields = 20;
    private const string FormField = "payload=";

    // In which Slack, Grafana, Alertmanager, Uptime Kuma, ntfy and Discord have theirs.
    private static readonly string[] _textFields = ["text", "message", "msg", "content", "body", "summary"];

    private static readonly JsonDocumentOptions _options = new() { MaxDepth = 32 };

    /// <param name="contentType">As the request says; null: it does not. What curl says unasked (a form) is plain text.</param>
    /// <param name="template">Null: the hook has none.</param>
    /// <param name="most">Characters that a template is filled to (<see cref="BotText.LongestFor"/>).</param>
    public static HookWords Read(string? contentType, ReadOnlySpan<byte> body, SpokenTemplate? template, int most)
    {
        if (!System.Text.Unicode.Utf8.IsValid(body))
        {
            return HookWords.None("no_text");
        }

        var text = Encoding.UTF8.GetString(body).Trim('\uFEFF', ' ', '\t', '\r', '\n');
        var isForm = contentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true;
        if (isForm && text.StartsWith(FormField, StringComparison.Ordinal))
        {
            return ReadJson(WebUtility.UrlDecode(text[FormField.Length..].Split('&')[0]), template, most) ?? HookWords.None("invalid_json");
        }

        var isJson = contentType?.Contains("json", StringComparison.OrdinalIgnoreCase) == true;
        if (isJson || text.StartsWith('{'))
        {
            return ReadJson(text, template, most) ?? (isJson ? HookWords.None("invalid_json") : OfText(text));
        }

        return OfText(text);
    }

    private static HookWords OfText(string? text, string? via = null, string? id = null)
    {
        text = text?.Replace("\0", "", StringComparison.Ordinal).Trim();
        return string.IsNullOrEmpty(text) ? HookWords.None("no_text") : new HookWords(new BotWords(text, ViaOf(via), id), "");
    }

    // Null: it is no JSON object.
    private static HookWords? ReadJson(string text, SpokenTemplate? template, int most)
    {
        try
        {
            using var document = JsonDocument.Parse(text, _options);
            var root = document.RootElement;
            return root.ValueKind != JsonValueKind.Object ? null
                : template is not null ? OfTemplate(template, root, most)
                : Text(root, "type") == "message" ? OfOurs(root)
                : OfSlack(root);
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate behind \u in the name of a field.
            return null;
        }
    }

    private static HookWords OfTemplate(SpokenTemplate template, JsonElement root, int most) =>
        template.Fill(path => path.Read(root), most) is { } text ? OfText(text, Text(root, "username")) : HookWords.None("nothing");

    private static HookWords OfOurs(JsonElement root)
    {
        var id = root.TryGetProperty("id"u8, out var said) ? JsonPath.TextOf(said) : null;
        return id is not null && Command.Of(new Command("", id, null), []) is null ? HookWords.None("invalid_id") : OfText(Text(root, "text"), Text(root, "via"), id);
    }

    private static HookWords OfSlack(JsonElement root)
    {
        List<string> lines = [];
        Add(lines, _textFields.Select(field => Text(root, field)).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text)));
        if (root.TryGetProperty("attachments"u8, out var attachments) && attachments.ValueKind == JsonValueKind.Array)
        {
            foreach (var attachment in attachments.EnumerateArray().Take(MostAttachments).Where(one => one.ValueKind == JsonValueKind.Object))
            {
                AddAttachment(lines, attachment);
            }
        }

        if (lines.Count == 0)
        {
            Add(lines, Text(root, "title"));
        }

        return OfText(string.Join('\n', lines), Text(root, "username"));
    }

    private static void AddAttachment(List<string> lines, JsonElement attachment)
    {
        var before = lines.Count;
        Add(lines, Text(attachment, "pretext"));
        var (title, link) = (Text(attachment, "title"), Text(attachment, "title_link"));
        Add(lines, string.IsNullOrWhiteSpace(title) ? link : string.IsNullOrWhiteSpace(link) ? title : $"{title} ({link})");
        Add(lines, Text(attachment, "text"));
        if (attachment.TryGetProperty("fields"u8, out var fields) && fields.ValueKind == JsonValueKind.Array)
        {
            foreach (var field in fields.EnumerateArray().Take(MostFields).Where(one => one.ValueKind == JsonValueKind.Object))
            {
                var (name, value) = (Text(field, "title"), Text(field, "value"));
                Add(lines, string.IsNullOrWhiteSpace(name) ? value : $"{name}: {value}");
            }
        }

        if (lines.Count == before)
        {
            // Said by Slack to be for who shows no attachments.
            Add(lines, Text(attachment, "fallback"));
        }
    }

    private static void Add(List<string> lines, string? text)
    {
        if (!string.IsNullOrWhiteSpace(text))
        {
            lines.Add(Unescape(text));
        }
    }

    // Slack writes links as <address|words>, and escapes three characters.
    private static string Unescape(string text) => !text.Contains('<', StringComparison.Ordinal) && !text.Contains('&', StringComparison.Ordinal) ? text
        : SlackLink().Replace(text, link => link.Groups[2].Success ? $"{link.Groups[2].Value} ({link.Groups[1].Value})" : link.Groups[1].Value)
            .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal);

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? JsonPath.TextOf(value) : null;

    private static string? ViaOf(string? via)
    {
        var line = /* guard: what a hook's caller calls itself is one short line */ string.Concat(PlainLine.Of(via ?? "").Trim().EnumerateRunes().Take(LongestVia));
        return line.Length == 0 ? null : line;
    }

    [GeneratedRegex(@"<((?:https?|mailto):[^|>\s]+)(?:\|([^>\n]*))?>", RegexOptions.NonBacktracking)]
    private static partial Regex SlackLink();
}
