using System.Buffers;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>
/// An origin (RFC 6454) as it is compared: the scheme, the host in ASCII and lower case, and the port, also where it is the scheme's own.
/// </summary>
internal readonly record struct WebOrigin(string Scheme, string Host, int Port)
{
    private static readonly SearchValues<char> BeyondAuthority = SearchValues.Create("/\\?#@ ");

    /// <summary>As a browser writes it: no path, not even a slash. False for `null`.</summary>
    public static bool TryParse(string text, out WebOrigin origin)
    {
        origin = default;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || !(uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            || !text.StartsWith(uri.Scheme + "://", StringComparison.OrdinalIgnoreCase)
            || text.AsSpan(uri.Scheme.Length + "://".Length).ContainsAny(BeyondAuthority))
        {
            return false;
        }

        origin = new WebOrigin(uri.Scheme, HostName.Fold(uri.IdnHost), uri.Port);
        return true;
    }

    /// <summary>The same host and port as a request was sent to. Without a port in the request it is that of the origin's scheme.</summary>
    public bool IsAt(HostString host)
    {
        var known = Scheme == Uri.UriSchemeHttps ? 443 : 80;
        return host.HasValue && (/* guard: origins: letters beyond ASCII */ HostName.Fold(host.Host)) == Host && (/* guard: origins: the scheme's own port */ host.Port ?? known) == Port;
    }
}
