using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace WebMessenger.Broker.Pages;

/// <summary>Which content codings a request takes, and how gladly (RFC 9110, 12.5.3).</summary>
internal readonly struct AcceptEncoding
{
    public const string Brotli = "br";
    public const string Gzip = "gzip";
    public const string Identity = "identity";

    // Identity may be sent unless it is excluded, but whoever names codings would rather have one of them.
    private const double LastResort = 0.0001;

    private readonly IList<StringWithQualityHeaderValue>? _named;

    private AcceptEncoding(IList<StringWithQualityHeaderValue>? named) => _named = named;

    /// <summary>Without a header, or with one that is empty or cannot be read, only identity is taken: everybody can read that.</summary>
    public static AcceptEncoding Of(StringValues header) =>
        new(StringWithQualityHeaderValue.TryParseStrictList(header, out var named) && named.Count > 0 ? named : null);

    /// <summary>From 0, not to be sent, to 1.</summary>
    public double Quality(string coding)
    {
        var isIdentity = coding == Identity;
        if (_named is null)
        {
            return isIdentity ? 1 : 0;
        }

        double? any = null;
        foreach (var one in _named)
        {
            if (IsSame(one.Value, coding))
            {
                return one.Quality ?? 1;
            }

            if (one.Value == "*")
            {
                any ??= one.Quality ?? 1;
            }
        }

        return any ?? (isIdentity ? LastResort : 0);
    }

    // `x-gzip` is gzip (RFC 9110, 8.4.1.3).
    private static bool IsSame(StringSegment named, string coding) =>
        named.Equals(coding, StringComparison.OrdinalIgnoreCase)
        || (coding == Gzip && named.Equals("x-gzip", StringComparison.OrdinalIgnoreCase));
}
