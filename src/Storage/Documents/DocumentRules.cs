using System.Text;
using System.Text.Json;

namespace WebMessenger.Storage.Documents;

/// <summary>What names, ids and documents may be, for every implementation alike, each of which throws <see cref="ArgumentException"/>; and
/// what is a conflict.</summary>
internal static class DocumentRules
{
    private const int LongestName = 32;

    // Ids with half a surrogate pair would be stored as something else, and meet.
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void ThrowIfNoName(string name)
    {
        if (name.Length is 0 or > LongestName || !char.IsAsciiLetterLower(name[0]) || !name.All(char.IsAsciiLetterOrDigit))
        {
            throw new ArgumentException($"'{name}' is no name of a collection or scope.", nameof(name));
        }
    }

    public static void ThrowIfNoText(string text, int longest)
    {
        if (text.Length == 0 || text.Contains('\0', StringComparison.Ordinal) || _strict.GetByteCount(text) > longest)
        {
            throw new ArgumentException($"Not 1 to {longest} bytes of UTF-8 without U+0000.", nameof(text));
        }
    }

    public static void ThrowIfNoDocument(ReadOnlySpan<byte> json)
    {
        if (json.Length > DocumentLimits.Document)
        {
            throw new ArgumentException($"A document of {json.Length} bytes; at most {DocumentLimits.Document} may be.", nameof(json));
        }

        try
        {
            Utf8JsonReader reader = new(json);
            var isObject = reader.Read() && reader.TokenType == JsonTokenType.StartObject;
            while (reader.Read())
            {
                // PostgreSQL's jsonb does not take it.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped
                    && reader.GetString()!.Contains('\0', StringComparison.Ordinal))
                {
                    throw new ArgumentException("A document with U+0000.", nameof(json));
                }
            }

            if (!isObject)
            {
                throw new ArgumentException("A document is a JSON object.", nameof(json));
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ArgumentException("A document that is no JSON.", nameof(json), error);
        }
    }

    /// <summary>Null: the change can be made.</summary>
    /// <param name="version">Of the document that is there; 0: there is none, or it is a claim.</param>
    /// <param name="owner">Who has what is to be claimed; null: nobody, or it is none.</param>
    public static DocumentConflict? ConflictOf(DocumentChange change, long version, string? owner) => change switch
    {
        DocumentChange.Put { Expected: { } expected } when expected != version => new DocumentConflict(change, version, null),
        DocumentChange.Delete { Expected: { } expected } when expected != version => new DocumentConflict(change, version, null),
        DocumentChange.Claim claim when owner is not null && (/* guard: user names have one owner */ /* guard: a user name outlives its account */ owner != claim.Owner) => new DocumentConflict(change, 0, owner),
        _ => null,
    };
}
