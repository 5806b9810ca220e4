using System.Globalization;

namespace WebMessenger.Broker.Api;

/// <summary>The `limit` of calls that answer page by page.</summary>
internal static class PageLength
{
    /// <summary>Null: it is no number from 1 to the most.</summary>
    /// <param name="limit">As the caller gave it; null: not at all.</param>
    public static int? Read(string? limit, int usual, int most) =>
        limit is null ? usual : int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length >= 1 && length <= most ? length : null;
}
