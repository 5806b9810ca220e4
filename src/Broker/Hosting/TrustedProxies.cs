using System.Net;
using Microsoft.AspNetCore.HttpOverrides;

namespace WebMessenger.Broker.Hosting;

/// <summary>`WebMessenger:TrustedProxies`: from whom the address, scheme and host of the client are taken, instead of from the connection (attack 56).</summary>
internal static class TrustedProxies
{
    /// <summary>Without configured proxies the headers mean nothing to this program, whoever sends them.</summary>
    public static void Use(WebApplication app, IReadOnlyCollection<System.Net.IPNetwork> proxies)
    {
        if (proxies.Count == 0)
        {
            return;
        }

        ForwardedHeadersOptions options = new()
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,

            // One hop for each trusted proxy: read from the right, up to the first address that is none.
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var proxy in proxies)
        {
            options.KnownIPNetworks.Add(proxy);
        }

        app.UseForwardedHeaders(options);
    }

    /// <summary>ASP.NET Core would trust everybody's headers if a variable of the environment said so, as some container images do.</summary>
    public static void DistrustOthers(IConfiguration configuration) => configuration["ForwardedHeaders_Enabled"] = "false";

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
