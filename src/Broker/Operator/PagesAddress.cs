using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>Where people open the pages, as far as this machine can know: behind a proxy it cannot.</summary>
internal static class PagesAddress
{
    /// <summary>Scheme, host, port and base path, without a slash at the end.</summary>
    /// <param name="listening">An address of `Urls`. Where it stands for all of the machine's, the certificate's name is taken, or else
    /// the machine's.</param>
    public static string Of(string listening, TlsSettings? tls, BasePath basePath)
    {
        var address = BindingAddress.Parse(listening);
        var isHttps = address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);
        var host = address.Host is "0.0.0.0" or "[::]" or "*" or "+"
            ? (isHttps ? NameIn(tls) : null) ?? Environment.MachineName.ToLowerInvariant()
            : address.Host;
        var port = address.Port == (isHttps ? 443 : 80) ? "" : ":" + address.Port.ToString(CultureInfo.InvariantCulture);
        return $"{(isHttps ? "https" : "http")}://{host}{port}{basePath.Prefix}";
    }

    /// <summary>The first of `Urls`.</summary>
    public static string Configured(IConfiguration configuration) =>
        (configuration["Urls"] ?? "http://localhost:8080")
            .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[0];

    private static string? NameIn(TlsSettings? tls)
    {
        if (tls is null)
        {
            return null;
        }

        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(tls.Certificate));
            return certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names => names.EnumerateDnsNames())
                .FirstOrDefault(name => !name.StartsWith('*'));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
    }
}
