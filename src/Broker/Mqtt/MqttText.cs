using System.Text.Unicode;

namespace WebMessenger.Broker.Mqtt;

/// <summary>What MQTT allows in a UTF-8 string (MQTT 5.0, 1.5.4).</summary>
internal static class MqttText
{
    /// <summary>Well-formed UTF-8 (no surrogates, nothing overlong) without U+0000.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> utf8) => !utf8.Contains((byte)0) && Utf8.IsValid(utf8);
}
