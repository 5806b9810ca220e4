using System.Text;

namespace WebMessenger.Broker.Topics;

/// <summary>
/// The topic names of devices: what stands below `rooms/{room}/data/`, or, seen by a mounted client, the whole name. Any shape that
/// MQTT allows (`/a`, `a//b`, spaces), within two bounds.
/// </summary>
internal static class DataTopic
{
    /// <summary>Bytes of UTF-8.</summary>
    public const int LargestLength = 512;

    public const int MostLevels = 32;

    /// <summary>Bytes of `rooms/{room}/data/`, which stands before it.</summary>
    public const int LargestPrefix = 80;

        /// <summary>The level of a room below which everything is plain MQTT.</summary>
    public const string Level = "data";

    /// <summary>False: empty, too long, too deep, or not text by MQTT's rules (with wildcards, U+0000, ill-formed).</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out string topic)
    {
        topic = "";
        if (/* guard: form of data topics */ !IsWithinBounds(utf8) || !MqttText.IsTopicName(utf8) || !MqttText.IsWellFormed(utf8))
        {
            return false;
        }

        topic = Encoding.UTF8.GetString(utf8);
        return true;
    }

    /// <summary>The same of a text, from HTTP.</summary>
    public static bool IsValid(string topic) =>
        topic.Length <= LargestLength && !HasLoneSurrogate(topic) && TryParse(Encoding.UTF8.GetBytes(topic), out _);

    internal static bool IsWithinBounds(ReadOnlySpan<byte> utf8) =>
        utf8.Length is > 0 and <= LargestLength && utf8.Count((byte)'/') < MostLevels;

    private static bool HasLoneSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>`$SYS/…` is the server's to say, but for what bridges say of themselves (decision 31).</summary>
    public static bool IsOfServer(string topic) =>
        topic.StartsWith("$SYS/", StringComparison.Ordinal) && !topic.StartsWith("$SYS/broker/connection/", StringComparison.Ordinal);
}
