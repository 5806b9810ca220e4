using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace WebMessenger.Broker.Topics;

/// <summary>
/// A topic filter below `rooms/{room}/data/` (MQTT 5.0, 4.7): `+` stands for one level, an empty one too, `#` for all that follow and
/// for the level above it.
/// </summary>
internal sealed class DataFilter
{
    private DataFilter(string text, bool missesDollar) => (Text, Levels, MissesDollar) = (text, text.Split('/'), missesDollar);

    /// <summary>All there is.</summary>
    public static DataFilter All { get; } = new("#", missesDollar: false);

    public string Text { get; }

    public IReadOnlyList<string> Levels { get; }

    /// <summary>
    /// It begins with a wildcard, and its owner sees the data topics as a whole broker (a mount): so it misses topics that begin with
    /// `$` [MQTT-4.7.2-1]. Below `rooms/{room}/data/` no topic begins with it, whatever its levels are.
    /// </summary>
    public bool MissesDollar { get; }

    /// <param name="isMounted">See <see cref="MissesDollar"/>.</param>
    public static bool TryParse(string text, bool isMounted, [NotNullWhen(true)] out DataFilter? filter)
    {
        filter = null;
        var utf8 = text.Length <= DataTopic.LargestLength ? Encoding.UTF8.GetBytes(text) : [];
        if (/* guard: form of data filters */ !DataTopic.IsWithinBounds(utf8) || !MqttText.IsTopicFilter(utf8) || !MqttText.IsWellFormed(utf8))
        {
            return false;
        }

        filter = new(text, isMounted && text[0] is '#' or '+');
        return true;
    }

    public bool Matches(ReadOnlySpan<char> topic)
    {
        if (MissesDollar && topic is ['$', ..])
        {
            return false;
        }

        var rest = topic;
        var isOver = false;
        foreach (var level in Levels)
        {
            if (level == "#")
            {
                return true;
            }

            if (isOver)
            {
                return false;
            }

            var slash = rest.IndexOf('/');
            var name = slash < 0 ? rest : rest[..slash];
            if (level != "+" && !name.SequenceEqual(level))
            {
                return false;
            }

            isOver = slash < 0;
            rest = isOver ? default : rest[(slash + 1)..];
        }

        return isOver;
    }

    /// <summary>Whether there is a topic that both match.</summary>
    public bool Meets(DataFilter other)
    {
        for (var i = 0; ; i++)
        {
            var (mine, its) = (i < Levels.Count ? Levels[i] : null, i < other.Levels.Count ? other.Levels[i] : null);
            if (mine == "#" || its == "#")
            {
                return true;
            }

            if (mine is null || its is null)
            {
                return mine is null && its is null;
            }

            if (mine != "+" && its != "+" && mine != its)
            {
                return false;
            }
        }
    }

    public override string ToString() => Text;
}
