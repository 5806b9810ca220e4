using System.Globalization;

namespace WebMessenger.Broker.Events;

/// <summary>How time is written everywhere: RFC 3339, UTC, milliseconds.</summary>
internal static class Timestamps
{
    public const string Pattern = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Bytes that <see cref="Format(DateTimeOffset, Span{byte})"/> needs to write in.</summary>
    public const int Enough = 32;

    private const int ToMilliseconds = 23;

    public static string Format(DateTimeOffset at) => at.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);

    /// <summary>The same in ASCII, for each event that goes out: a pattern costs ten times as much as the format that begins so.</summary>
    public static ReadOnlySpan<byte> Format(DateTimeOffset at, Span<byte> target)
    {
        at.UtcDateTime.TryFormat(target, out _, "O", CultureInfo.InvariantCulture);
        target[ToMilliseconds] = (byte)'Z';
        return target[..(ToMilliseconds + 1)];
    }
}
