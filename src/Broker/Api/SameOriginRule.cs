namespace WebMessenger.Broker.Api;

/// <summary>
/// Which pages may change something or open the WebSocket: our own, those the operator names,
/// and what is no browser at all (attacks 48, 50).
/// </summary>
/// <remarks>
/// SameSite=Strict alone does not do: another port or subdomain of the same host is the same site.
/// Where a browser says less than it could (no Origin on a same-origin GET, as the upgrade of old ones), Sec-Fetch-Site decides; without
/// either it is no browser, and there is no cookie to abuse.
/// </remarks>
internal sealed class SameOriginRule(IEnumerable<string> allowedOrigins)
{
    private readonly HashSet<WebOrigin> _allowed =
    [
        .. allowedOrigins.Select(text => WebOrigin.TryParse(text.TrimEnd('/'), out var origin) ? origin : default)
            .Where(origin => origin != default),
    ];

    public bool IsAllowed(HttpRequest request)
    {
        var origins = request.Headers.Origin;
        if (origins.Count > 1)
        {
            return false;
        }

        if (origins.Count == 1 && origins[0] is { Length: > 0 } text)
        {
            return WebOrigin.TryParse(text, out var origin) && (_allowed.Contains(origin) || (IsOwn(origin, request) && !IsForeign(request)));
        }

        return !IsForeign(request);
    }

    /// <summary>Says in words of its own that a page elsewhere sent this; what it does not know is foreign.</summary>
    private static bool IsForeign(HttpRequest request) => request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none");

    /// <summary>
    /// Same host and port. Behind a proxy that ends TLS and does not say so, an https page meets an http request; the other way round it is
    /// somebody on the wire.
    /// </summary>
    private static bool IsOwn(WebOrigin origin, HttpRequest request) =>
        (origin.Scheme == Uri.UriSchemeHttps || !request.IsHttps) && origin.IsAt(request.Host);
}
