using System.Globalization;

namespace WebMessenger.Broker.Events;

/// <summary>How time is written everywhere: RFC 3339, UTC, milliseconds.</summary>
internal static class Timestamps
{
    public const string Pattern = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static string Format(DateTimeOffset at) => at.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);
}
