using System.Text.Unicode;

namespace WebMessenger.Broker.Topics;

/// <summary>What MQTT allows in a UTF-8 string (MQTT 5.0, 1.5.4).</summary>
internal static class MqttText
{
    /// <summary>Well-formed UTF-8 (no surrogates, nothing overlong) without U+0000.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> utf8) => !utf8.Contains((byte)0) && Utf8.IsValid(utf8);

    /// <summary>Not empty [MQTT-4.7.3-1] and without wildcards [MQTT-3.3.2-2].</summary>
    public static bool IsTopicName(ReadOnlySpan<byte> utf8) => !utf8.IsEmpty && utf8.IndexOfAny((byte)'+', (byte)'#') < 0;

    /// <summary>
    /// Not empty [MQTT-4.7.3-1], `#` alone in its level and last [MQTT-4.7.1-1], `+` alone in its level [MQTT-4.7.1-2]. 3.1.1 has the
    /// same clauses.
    /// </summary>
    public static bool IsTopicFilter(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return false;
        }

        for (var i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] is not ((byte)'+' or (byte)'#'))
            {
                continue;
            }

            var isLast = i == utf8.Length - 1;
            var endsLevel = isLast || (utf8[i] == '+' && utf8[i + 1] == '/');
            if ((i > 0 && utf8[i - 1] != '/') || !endsLevel)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Of a topic filter: it is no shared subscription, or has a name without wildcards [MQTT-4.8.2-1] and a filter behind it
    /// [MQTT-4.8.2-2].
    /// </summary>
    public static bool IsWellShared(ReadOnlySpan<byte> utf8)
    {
        if (!utf8.StartsWith("$share/"u8))
        {
            return true;
        }

        var shared = utf8["$share/"u8.Length..];
        var slash = shared.IndexOf((byte)'/');
        return slash > 0 && slash < shared.Length - 1 && shared[..slash].IndexOfAny((byte)'+', (byte)'#') < 0;
    }
}
