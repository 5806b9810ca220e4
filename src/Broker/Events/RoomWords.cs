using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>What a room may be called.</summary>
internal static class RoomWords
{
    private const int TitleLength = 80;
    private const int TopicLength = 200;
    private const string TooManyMarks = "At most four accents or other signs go on one letter.";

    /// <summary>As it is stored; null stays null.</summary>
    public static string? CheckTitle(string? title, List<FieldError> errors)
    {
        title = title is null ? null : PlainLine.Of(title).Trim();
        if (title is { Length: 0 })
        {
            errors.Add(new FieldError("title", "required", "Give the room a title."));
        }

        CheckLine("title", title, TitleLength, "A title has at most 80 characters.", errors);
        return title;
    }

    /// <inheritdoc cref="CheckTitle"/>
    public static string? CheckTopic(string? topic, List<FieldError> errors)
    {
        topic = topic is null ? null : PlainLine.Of(topic).Trim();
        CheckLine("topic", topic, TopicLength, "A topic line has at most 200 characters.", errors);
        return topic;
    }

    private static void CheckLine(string field, string? text, int most, string tooLong, List<FieldError> errors)
    {
        if (text is null)
        {
            return;
        }

        if (text.EnumerateRunes().Count() > most)
        {
            errors.Add(new FieldError(field, "too_long", tooLong));
        }
        else if (CombiningMarks.AreTooMany(text))
        {
            errors.Add(new FieldError(field, "invalid", TooManyMarks));
        }
    }
}
