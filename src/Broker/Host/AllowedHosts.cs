using System.Collections.Frozen;
using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Pages;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>
/// The names by which this server is asked for anything. A page elsewhere can have its own name lead to this server's address (DNS
/// rebinding): then its browser takes both for one origin, and what is served only to this machine is served to that page.
/// </summary>
internal sealed partial class AllowedHosts
{
    private readonly FrozenSet<string> _names;
    private readonly ServerCertificate? _certificate;
    private readonly RefusalLog _refusals;
    private readonly ILogger<AllowedHosts> _log;

    /// <param name="urls">The setting `Urls`.</param>
    /// <param name="certificate">Null: there is none.</param>
    public AllowedHosts(BrokerSettings settings, string urls, ServerCertificate? certificate, RefusalLog refusals, ILogger<AllowedHosts> log)
    {
        (_certificate, _refusals, _log) = (certificate, refusals, log);
        IEnumerable<string?> names =
        [
            .. settings.AllowedOrigins.Select(origin => new Uri(origin).IdnHost), .. urls.Split(';').Select(HostOf), settings.MqttPublicHost,
            .. NamesOfMachine(),
        ];
        _names = names.Where(name => !string.IsNullOrEmpty(name)).Select(name => HostName.Fold(name!)).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>
    /// Health checks are asked for by any name: they tell nothing, and a supervisor knows the name of a container at most.
    /// </summary>
    public void Use(WebApplication app) => app.Use((context, next) =>
        (/* guard: hosts: this server's own names only */ IsAllowed(context)) || context.Request.Path.StartsWithSegments("/health") ? next(context) : RefuseAsync(context));

    private bool IsAllowed(HttpContext context)
    {
        // A browser always sends one; a check by HTTP/1.0 does not.
        if (context.Request.Host.Host is not { Length: > 0 } given || TrustedProxies.Forwarded(context))
        {
            return true;
        }

        var host = HostName.Fold(given);
        return host == "localhost" || host.EndsWith(".localhost", StringComparison.Ordinal) || IPAddress.TryParse(host, out _)
            || _names.Contains(host) || IsCertified(context, host);
    }

    /// <summary>
    /// By the certificate of the settings, or the one of this connection, which may be that of Kestrel:Certificates:Default.
    /// </summary>
    private bool IsCertified(HttpContext context, string host) =>
        // A certificate asked for what is no name throws.
        Uri.CheckHostName(host) == UriHostNameType.Dns
        && (_certificate?.IsFor(host) == true
            || (context.Features.Get<ISslStreamFeature>()?.SslStream.LocalCertificate is X509Certificate2 shown && shown.MatchesHostname(host)));

    // What cannot be read ends the start elsewhere, with words for it.
    private static string? HostOf(string url)
    {
        try
        {
            return BindingAddress.Parse(url.Trim()).Host;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static IEnumerable<string> NamesOfMachine()
    {
        var machine = IPGlobalProperties.GetIPGlobalProperties();
        return
        [
            Environment.MachineName, machine.HostName, machine.HostName + ".local",
            .. machine.DomainName.Length > 0 ? new[] { $"{machine.HostName}.{machine.DomainName}" } : [],
        ];
    }

    private async Task RefuseAsync(HttpContext context)
    {
        if (/* guard: hosts: one line a minute */ _refusals.Try("requests for a host that is not known here", context.Connection.RemoteIpAddress))
        {
            LogRefused(_log);
        }

        if (UnknownHostPage.IsFor(context.Request))
        {
            await UnknownHostPage.SendAsync(context);
            return;
        }

        await Problems.UnknownHost().ExecuteAsync(context);
    }

    [LoggerMessage(4204, LogLevel.Warning,
        "Refused a request for a host that this server does not know as its own. If people come by that name, put https://NAME into "
        + "WebMessenger:AllowedOrigins, or the proxy before the server into WebMessenger:TrustedProxies")]
    private static partial void LogRefused(ILogger log);
}
