using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>
/// The certificate of `WebMessenger:Mqtt:Tls`, as its files are now:
/// a renewed one serves the next connection, a broken one leaves the old in service.
/// </summary>
/// <remarks>
/// Thread-safe. The files are read when a handshake begins (some 50 µs beside a millisecond of cryptography) and not watched: a watcher
/// misses a link that is turned over, which is how certbot and Kubernetes renew.
/// </remarks>
internal sealed partial class ServerCertificate
{
    /// <summary>How long a peer may take for the handshake; Kestrel's own default is 10 s (attack 7).</summary>
    public static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(5);

    public const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    private readonly TlsSettings _settings;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private volatile Loaded _loaded;

    private ServerCertificate(TlsSettings settings, ILogger log, Loaded loaded) => (_settings, _log, _loaded) = (settings, log, loaded);

    /// <summary>Throws <see cref="StartupException"/> when the files are not a certificate and its key.</summary>
    public static ServerCertificate Open(TlsSettings settings, ILogger log)
    {
        try
        {
            var files = Files.Of(settings);
            var certificate = Load(settings, out var expires);
            if (expires <= DateTime.Now)
            {
                LogExpired(log, settings.Certificate, expires);
            }

            return new ServerCertificate(settings, log, new Loaded(certificate, files));
        }
        catch (Exception error) when (IsUnusable(error))
        {
            throw new StartupException(
                $"WebMessenger:Mqtt:Tls:Certificate ({settings.Certificate}) and its Key ({settings.Key}) cannot be used: {error.Message} Give PEM files that belong together, and the key's Password if it has one.", error);
        }
    }

    /// <summary>For a listener: how each handshake goes.</summary>
    /// <param name="protocols">What ALPN offers; null: what Kestrel offers for HTTP.</param>
    /// <param name="asksClients">
    /// For a certificate, which none has to give and anyone may have made: that the peer has its key is all that the handshake says of it.
    /// </param>
    [SuppressMessage("Security", "CA5359", Justification = "A client's: which token it opens is asked at its CONNECT, by its fingerprint.")]
    public TlsHandshakeCallbackOptions Handshakes(List<SslApplicationProtocol>? protocols = null, bool asksClients = false) => new()
    {
        HandshakeTimeout = /* guard: five seconds for the handshake */ HandshakeTime,
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Current(),
            EnabledSslProtocols = Protocols,
            ApplicationProtocols = protocols,
            ClientCertificateRequired = asksClients,
            RemoteCertificateValidationCallback = asksClients ? static (_, _, _, _) => true : null,
            CertificateChainPolicy = asksClients ? Unread() : null,
        }),
    };

    /// <summary>It names the host, itself or by a wildcard.</summary>
    public bool IsFor(string host) => _loaded.Certificate.TargetCertificate.MatchesHostname(host);

    // .NET 10 builds a chain before it asks whether that will do. The default would fetch from addresses in the peer's certificate, and
    // look through the machine's roots.
    private static X509ChainPolicy Unread() => new()
    {
        DisableCertificateDownloads = /* guard: nothing is fetched for a client's certificate */ true,
        RevocationMode = X509RevocationMode.NoCheck,
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    private static bool IsUnusable(Exception error) => error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException;

    private static SslStreamCertificateContext Load(TlsSettings settings, out DateTime expires)
    {
        var certificate = settings.Password is null
            ? X509Certificate2.CreateFromPemFile(settings.Certificate, settings.Key)
            : X509Certificate2.CreateFromEncryptedPemFile(settings.Certificate, settings.Password, settings.Key);
        if (OperatingSystem.IsWindows())
        {
            // Windows' TLS takes no key that lives in memory only.
            using var inMemory = certificate;
            certificate = X509CertificateLoader.LoadPkcs12(inMemory.Export(X509ContentType.Pkcs12), null);
        }

        X509Certificate2Collection chain = [];
        chain.ImportFromPemFile(settings.Certificate);
        expires = certificate.NotAfter;
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private SslStreamCertificateContext Current()
    {
        var files = Files.TryOf(_settings);
        if (/* guard: a renewed certificate is taken */ files == _loaded.Files)
        {
            return _loaded.Certificate;
        }

        lock (_gate)
        {
            if (files != _loaded.Files)
            {
                Reload(files);
            }

            return _loaded.Certificate;
        }
    }

    // Under _gate. Whatever comes of it, the same files are not tried again.
    private void Reload(Files files)
    {
        try
        {
            _loaded = new Loaded(Load(_settings, out var expires), files);
            LogReloaded(_log, _settings.Certificate, expires);
        }
        catch (Exception error) when (IsUnusable(error))
        {
            _loaded = _loaded with { Files = files };
            LogNotReloaded(_log, _settings.Certificate, error.Message);
        }
    }

    [LoggerMessage(4111, LogLevel.Information, "The certificate {File} was renewed; it is valid until {Expires:u}")]
    private static partial void LogReloaded(ILogger log, string file, DateTime expires);

    [LoggerMessage(4112, LogLevel.Error, "The certificate {File} or its key has changed and cannot be used, so the one before stays in service: {Problem}")]
    private static partial void LogNotReloaded(ILogger log, string file, string problem);

    [LoggerMessage(4113, LogLevel.Warning, "The certificate {File} expired on {Expires:u}; clients will refuse it")]
    private static partial void LogExpired(ILogger log, string file, DateTime expires);

    /// <param name="Files">What was looked at last, whether it could be used or not.</param>
    private sealed record Loaded(SslStreamCertificateContext Certificate, Files Files);

    /// <summary>By what a change is told: the content, for a copy may keep the time and have the same length.</summary>
    private readonly record struct Files(UInt128 First, UInt128 Second)
    {
        public static Files Of(TlsSettings settings)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData([.. File.ReadAllBytes(settings.Certificate), .. File.ReadAllBytes(settings.Key)], hash);
            return new Files(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
        }

        public static Files TryOf(TlsSettings settings)
        {
            try
            {
                return Of(settings);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Between the old and the new one, say.
                return default;
            }
        }
    }
}
