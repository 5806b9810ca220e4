using System.Globalization;
using System.Text;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Search;

/// <summary>Words that have to stand in a text one behind the other; one alone is anywhere.</summary>
/// <param name="IsPrefix">The last of them may go on.</param>
internal sealed record WantedWords(IReadOnlyList<string> Words, bool IsPrefix);

/// <summary>What somebody looks for, as it is written in `q`: words, "phrases", and `from: in: before: after: has:`.</summary>
internal sealed record SearchRequest
{
    /// <summary>Of `q`, in bytes.</summary>
    public const int LongestQuery = 256;

    public IReadOnlyList<WantedWords> Texts { get; private init; } = [];

    /// <summary>User name; null: whoever said it.</summary>
    public string? From { get; private init; }

    /// <summary>Id of a room; null: everywhere.</summary>
    public string? In { get; private init; }

    /// <summary>User name: what the caller and this account said to each other; null: everywhere.</summary>
    public string? With { get; private init; }

    public DateTimeOffset? Before { get; private init; }

    /// <summary>Not before this.</summary>
    public DateTimeOffset? After { get; private init; }

    public bool HasLink { get; private init; }

    /// <summary>Null: <paramref name="errors"/> say why not.</summary>
    public static SearchRequest? Read(string q, List<FieldError> errors)
    {
        if (/* guard: length of a query */ Encoding.UTF8.GetByteCount(q) > LongestQuery)
        {
            errors.Add(new FieldError("q", FieldCodes.TooLong, "What is looked for has at most 256 bytes."));
            return null;
        }

        SearchRequest request = new();
        List<WantedWords> texts = [];
        foreach (var part in Split(q))
        {
            if (part.Key is null)
            {
                AddWords(texts, part.Text, part is { IsQuoted: false, IsLast: true });
            }
            else
            {
                request = request.Narrowed(part.Key, part.Text, errors);
            }
        }

        if (errors.Count == 0 && texts.Count == 0 && request is { From: null, HasLink: false })
        {
            errors.Add(new FieldError("q", FieldCodes.Required, "Give a word to look for, or from: or has:link."));
        }

        return errors.Count == 0 ? request with { Texts = texts } : null;
    }

    /// <summary>What the index is asked for.</summary>
    /// <param name="authorId">Whose words; null: anybody's.</param>
    public IReadOnlyList<SearchWord> WordsFor(string? authorId)
    {
        List<SearchWord> words = [];
        foreach (var text in Texts)
        {
            words.AddRange(text.Words.Select((word, i) => new SearchWord(word, text.IsPrefix && i == text.Words.Count - 1)));
        }

        words.AddRange(authorId is null ? [] : [new SearchWord(SearchWords.OfAuthor(authorId))]);
        words.AddRange(HasLink ? [new SearchWord(SearchWords.Link)] : []);
        return [.. words.Distinct()];
    }

    private static void AddWords(List<WantedWords> texts, string text, bool isPrefix)
    {
        var words = SearchWords.Of(text).ConvertAll(word => word.Folded);
        if (words.Count > 0)
        {
            // What ends in something else than a word is whole.
            texts.Add(new WantedWords(words, isPrefix && Rune.IsLetterOrDigit(text.EnumerateRunes().Last())));
        }
    }

    private SearchRequest Narrowed(string key, string value, List<FieldError> errors)
    {
        switch (key)
        {
            case "from":
                return this with { From = value.TrimStart('@').ToLowerInvariant() };
            case "in" when value.StartsWith('@'):
                return this with { With = value[1..].ToLowerInvariant() };
            case "in":
                return this with { In = value.TrimStart('#') };
            case "before" or "after":
                if (ReadTime(value) is not { } at)
                {
                    errors.Add(new FieldError("q", FieldCodes.Invalid, $"{key}: is a day, such as 2026-11-29, or a time, such as 2026-11-29T15:00:00Z."));
                    return this;
                }

                return key == "before" ? this with { Before = at } : this with { After = at };
            case "has" when value == "link":
                return this with { HasLink = true };
            default:
                errors.Add(new FieldError("q", FieldCodes.Invalid, value is "file" or "image"
                    ? "There are no files and pictures in this version: has:link alone."
                    : "has: is link."));
                return this;
        }
    }

    /// <summary>A day (of UTC) or a moment; null: neither.</summary>
    public static DateTimeOffset? ReadTime(string text) => DateTimeOffset.TryParseExact(
        text,
        ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
        CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    // From the left: a blank ends what is not quoted; what is quoted to the end needs no second mark.
    private static IEnumerable<(string? Key, string Text, bool IsQuoted, bool IsLast)> Split(string q)
    {
        for (var at = 0; at < q.Length;)
        {
            if (char.IsWhiteSpace(q[at]))
            {
                at++;
                continue;
            }

            var key = KeyAt(q, at);
            at += key is null ? 0 : key.Length + 1;
            var isQuoted = at < q.Length && q[at] == '"';
            at += isQuoted ? 1 : 0;
            var end = at;
            while (end < q.Length && (isQuoted ? q[end] != '"' : !char.IsWhiteSpace(q[end]) && q[end] != '"'))
            {
                end++;
            }

            yield return (key, q[at..end], isQuoted, end == q.Length);
            at = isQuoted ? end + 1 : end;
        }
    }

    private static string? KeyAt(string q, int at) =>
        Array.Find(["from", "in", "before", "after", "has"], key =>
            string.CompareOrdinal(q, at, key, 0, key.Length) == 0 && at + key.Length + 1 < q.Length && q[at + key.Length] == ':' && !char.IsWhiteSpace(q[at + key.Length + 1]));
}
