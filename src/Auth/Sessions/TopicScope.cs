using System.Text;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Auth.Sessions;

/// <summary>Which topics below its mount an access token may hear and say.</summary>
/// <remarks>
/// MQTT filters as its clients see topics, without the room's prefix: `greenhouse/#`, `homeassistant/+/greenhouse/#`.
/// What no filter of <see cref="Read"/> matches is never delivered, and what none of <see cref="Write"/> matches is never taken; a list
/// without filters allows nothing. Immutable; equal if both lists are, in order.
/// </remarks>
public sealed record TopicScope(IReadOnlyList<string> Read, IReadOnlyList<string> Write)
{
    /// <summary>Of each list.</summary>
    public const int MaxFilters = 20;

    public const int MaxLevels = 32;

    /// <summary>Of one filter, in UTF-8.</summary>
    public const int MaxFilterBytes = 512;

    /// <summary>Of both lists together: login sessions are all in memory.</summary>
    public const int MaxBytes = 4096;

    public bool Equals(TopicScope? other) => other is not null && Read.SequenceEqual(other.Read) && Write.SequenceEqual(other.Write);

    public override int GetHashCode() => HashCode.Combine(Read.Count, Write.Count);

    /// <summary>Null: it may be given to a token.</summary>
    internal FieldError? Check() =>
        CheckFilters("topics.read", Read) ?? CheckFilters("topics.write", Write)
            ?? (Read.Count + Write.Count == 0
                ? new FieldError("topics", FieldCodes.Required, "Name topics to read or to write, or leave this out for all below the mount.")
                : (/* guard: bytes of all filters of a mount */ Read.Concat(Write).Sum(Encoding.UTF8.GetByteCount) > MaxBytes)
                    ? new FieldError("topics", FieldCodes.TooLong, $"All filters together have {MaxBytes} bytes at most.")
                    : null);

    private static FieldError? CheckFilters(string field, IReadOnlyList<string> filters) =>
        (/* guard: filters of a mount */ filters.Count > MaxFilters)
            ? new FieldError(field, FieldCodes.TooMany, $"Name {MaxFilters} filters at most.")
            : filters.Select(filter => CheckFilter(field, filter)).FirstOrDefault(error => error is not null);

    // A list in JSON may hold null.
    private static FieldError? CheckFilter(string field, string? filter)
    {
        if (string.IsNullOrEmpty(filter) || !IsText(filter))
        {
            return new FieldError(field, FieldCodes.Invalid, "A filter is text without control characters, and not empty.");
        }

        if (Encoding.UTF8.GetByteCount(filter) > MaxFilterBytes)
        {
            return new FieldError(field, FieldCodes.TooLong, $"A filter has {MaxFilterBytes} bytes at most.");
        }

        if (filter.StartsWith("$share/", StringComparison.Ordinal))
        {
            return new FieldError(field, FieldCodes.Invalid, "Name the topics themselves: a shared subscription needs what its filter needs.");
        }

        var levels = filter.Split('/');
        return levels.Length > MaxLevels ? new FieldError(field, FieldCodes.TooLong, $"A filter has {MaxLevels} levels at most.")
            : (/* guard: form of a mount's filters */ HasForm(levels)) ? null
            : new FieldError(field, FieldCodes.Invalid, "In a filter, + stands for one whole level, and # for all that follow, at the end.");
    }

    // [MQTT-4.7.1-1] `#` is alone in its level and last; [MQTT-4.7.1-2] `+` is alone in its level.
    private static bool HasForm(string[] levels)
    {
        for (var i = 0; i < levels.Length; i++)
        {
            if ((levels[i].Contains('#') && (levels[i] != "#" || i != levels.Length - 1)) || (levels[i].Contains('+') && levels[i] != "+"))
            {
                return false;
            }
        }

        return true;
    }

    // [MQTT-1.5.4-1], [MQTT-1.5.4-2]: no half of a surrogate pair, no U+0000. Of the rest, pages show it in lines.
    private static bool IsText(string filter)
    {
        foreach (var rune in filter.EnumerateRunes())
        {
            // A half of a pair is enumerated as the replacement character.
            if (rune == Rune.ReplacementChar || Rune.IsControl(rune))
            {
                return false;
            }
        }

        return true;
    }
}
