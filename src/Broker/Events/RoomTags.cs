using System.Collections;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>
/// Under which words a room is found in the list of rooms: 5 at most, of 1 to 24 characters each, in the order in which they were given,
/// none twice by <see cref="SearchText"/>. Two with the same words in the same order are equal.
/// </summary>
internal sealed class RoomTags : IReadOnlyList<string>, IEquatable<RoomTags>
{
    private const int Most = 5;
    private const int LongestTag = 24;

    private readonly string[] _tags;

    private RoomTags(string[] tags) => _tags = tags;

    public static RoomTags None { get; } = new([]);

    public int Count => _tags.Length;

    public string this[int index] => _tags[index];

    /// <param name="tags">As <see cref="Check"/> gives them.</param>
    public static RoomTags Of(IReadOnlyList<string> tags) => tags.Count == 0 ? None : new([.. tags]);

    /// <summary>As they are stored; null stays null.</summary>
    public static IReadOnlyList<string>? Check(IReadOnlyList<string?>? tags, List<FieldError> errors)
    {
        if (tags is null)
        {
            return null;
        }

        if (/* guard: tags of a room */ tags.Count > Most)
        {
            errors.Add(new FieldError("tags", "too_many", "A room has at most 5 tags."));
            return null;
        }

        List<string> clean = [];
        foreach (var tag in tags.Select(tag => tag is null ? "" : PlainLine.Of(tag).Trim()))
        {
            if (tag.Length == 0 || CombiningMarks.AreTooMany(tag))
            {
                errors.Add(new FieldError("tags", "invalid", "A tag has letters or digits, and at most four accents or other signs on one of them."));
            }
            else if (/* guard: length of a tag */ IsTooLong(tag))
            {
                errors.Add(new FieldError("tags", "too_long", "A tag has at most 24 characters."));
            }
            else if (!clean.Exists(other => SearchText.Of(other) == SearchText.Of(tag)))
            {
                clean.Add(tag);
            }
        }

        return clean;
    }

    /// <summary>No room has such a tag.</summary>
    public static bool IsTooLong(string tag) => tag.EnumerateRunes().Count() > LongestTag;

    public bool Equals(RoomTags? other) => other is not null && _tags.AsSpan().SequenceEqual(other._tags);

    public override bool Equals(object? obj) => Equals(obj as RoomTags);

    public override int GetHashCode() => string.Join('\n', _tags).GetHashCode(StringComparison.Ordinal);

    public IEnumerator<string> GetEnumerator() => ((IEnumerable<string>)_tags).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Read by the ETag of the list of rooms.
    public override string ToString() => string.Join('\n', _tags);
}
