using System.Net;
using Microsoft.AspNetCore.HttpOverrides;

namespace WebMessenger.Broker.Settings;

/// <summary>
/// `WebMessenger:TrustedProxies`: from whom the address, scheme and host of the client are taken,
/// instead of from the connection (attack 56).
/// </summary>
internal static class TrustedProxies
{
    // Any of them says that somebody passed the request on, whoever that is.
    // `X-Original-…` is what ASP.NET Core leaves of those it believed.
    private static readonly string[] Traces =
    [
        "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-For", "X-Original-Host", "X-Original-Proto", "X-Real-IP",
        "Forwarded", "Via", "X-Forwarded-Server", "CF-Connecting-IP", "True-Client-IP",
    ];

    private static readonly object IsForwarded = new();

    /// <summary>It came by way of a proxy that is trusted to say who asks for what.</summary>
    public static bool Forwarded(HttpContext context) => context.Items.ContainsKey(IsForwarded);

    /// <summary>
    /// Whoever asks sits at the server's own machine, and is no proxy there that speaks for somebody elsewhere: the connection is loopback,
    /// the host is too, and there is no trace of a proxy. (HTTP/1.0 is one: nginx speaks it where it is not told otherwise.)
    /// </summary>
    public static bool IsFromThisMachine(HttpContext context)
    {
        var (request, host) = (context.Request, HostName.Fold(context.Request.Host.Host));
        return context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(Plain(address))
            && (/* guard: first account: a name from outside is not this machine */ (host == "localhost" || (IPAddress.TryParse(host, out var named) && IPAddress.IsLoopback(named))))
            && /* guard: first account: a proxy is not this machine */ !Forwarded(context) && !HttpProtocol.IsHttp10(request.Protocol) && !Array.Exists(Traces, request.Headers.ContainsKey);
    }

    /// <summary>Without configured proxies the headers mean nothing to this program, whoever sends them.</summary>
    public static void Use(WebApplication app, IReadOnlyCollection<System.Net.IPNetwork> proxies)
    {
        if (/* guard: forwarded headers from nobody */ proxies.Count == 0)
        {
            return;
        }

        ForwardedHeadersOptions options = new()
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,

            // One hop for each trusted proxy: read from the right, up to the first address that is none.
            ForwardLimit = /* guard: the first that is no proxy is the client */ null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var proxy in proxies)
        {
            options.KnownIPNetworks.Add(/* guard: forwarded headers from those that are named */ proxy);
        }

        // Before the address becomes the client's.
        app.Use((context, next) =>
        {
            if (AreAt(context.Connection.RemoteIpAddress, proxies))
            {
                context.Items[IsForwarded] = true;
            }

            return next(context);
        });
        app.UseForwardedHeaders(options);
    }

    /// <summary>The connection comes from one of them.</summary>
    public static bool AreAt(IPAddress? address, IReadOnlyCollection<System.Net.IPNetwork> proxies)
    {
        if (address is null || proxies.Count == 0)
        {
            return false;
        }

        var plain = Plain(address);
        return proxies.Any(proxy => proxy.Contains(plain));
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>
    /// ASP.NET Core would trust everybody's headers if a variable of the environment said so, as some container images do.
    /// </summary>
    public static void DistrustOthers(IConfiguration configuration) => configuration["ForwardedHeaders_Enabled"] = /* guard: forwarded headers whatever the environment says */ "false";

    /// <summary>An address, or a network as `10.0.0.0/8`.</summary>
    public static bool TryParse(string text, out System.Net.IPNetwork network)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            network = new System.Net.IPNetwork(address, address.GetAddressBytes().Length * 8);
            return true;
        }

        return System.Net.IPNetwork.TryParse(text, out network);
    }
}
