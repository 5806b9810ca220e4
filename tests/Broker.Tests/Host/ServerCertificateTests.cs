using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Settings;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Host;

public sealed class ServerCertificateTests
{
    private readonly LogLines _log = new();

    [Fact]
    public async Task A_renewed_certificate_serves_the_next_handshake()
    {
        using TestCertificate files = new();
        var certificate = Open(files);
        Assert.Equal(files.Thumbprint, await ShownAsync(certificate));

        var before = files.Thumbprint;
        files.Renew();

        Assert.NotEqual(before, files.Thumbprint);
        Assert.Equal(files.Thumbprint, await ShownAsync(certificate));
        Assert.Empty(_log.Errors);
    }

    [Fact]
    public async Task What_cannot_be_used_leaves_the_old_one_in_service_and_is_told_once()
    {
        using TestCertificate files = new();
        var certificate = Open(files);
        var before = files.Thumbprint;

        await File.WriteAllTextAsync(files.CertificateFile, "half of a", TestContext.Current.CancellationToken);
        Assert.Equal(before, await ShownAsync(certificate));
        Assert.Equal(before, await ShownAsync(certificate));

        Assert.Contains(files.CertificateFile, Assert.Single(_log.Errors), StringComparison.Ordinal);

        // Not there at all for a moment, as when a link is turned over.
        File.Delete(files.KeyFile);
        Assert.Equal(before, await ShownAsync(certificate));
        Assert.Equal(2, _log.Errors.Count);
        files.Renew();
        Assert.Equal(files.Thumbprint, await ShownAsync(certificate));
        Assert.Equal(2, _log.Errors.Count);
    }

    [Fact]
    public async Task The_key_of_another_certificate_is_not_taken()
    {
        using TestCertificate files = new();
        using TestCertificate others = new();
        var certificate = Open(files);

        File.Copy(others.KeyFile, files.KeyFile, overwrite: true);

        Assert.Equal(files.Thumbprint, await ShownAsync(certificate));
        Assert.Single(_log.Errors);
        Assert.Throws<StartupException>(() => Open(files));
    }

    [Fact]
    public async Task A_key_may_have_a_password_and_lie_in_the_file_of_the_certificate()
    {
        using TestCertificate files = new();
        files.Renew("open sesame");
        Assert.Equal(files.Thumbprint, await ShownAsync(Open(files, password: "open sesame")));
        Assert.DoesNotContain("sesame", Assert.Throws<StartupException>(() => Open(files, password: "closed sesame")).Message, StringComparison.Ordinal);
        Assert.Throws<StartupException>(() => Open(files));

        files.Renew();
        await File.AppendAllTextAsync(files.CertificateFile, await File.ReadAllTextAsync(files.KeyFile, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);

        Assert.Equal(files.Thumbprint, await ShownAsync(Open(files, key: files.CertificateFile)));
    }

    [Fact]
    public async Task No_version_before_TLS_1_2_is_spoken_and_the_chain_is_shown()
    {
        using TestCertificate files = new();

        var options = await Open(files).Handshakes().OnConnection(new TlsHandshakeCallbackContext());

        Assert.Equal(SslProtocols.Tls12 | SslProtocols.Tls13, options.EnabledSslProtocols);
        Assert.Equal(files.IntermediateThumbprint, Assert.Single(options.ServerCertificateContext!.IntermediateCertificates).Thumbprint);
    }

    private static async Task<string> ShownAsync(ServerCertificate certificate) =>
        (await certificate.Handshakes().OnConnection(new TlsHandshakeCallbackContext())).ServerCertificateContext!.TargetCertificate.Thumbprint;

    private ServerCertificate Open(TestCertificate files, string? key = null, string? password = null) => ServerCertificate.Open(
        new TlsSettings(0, IPAddress.Loopback, files.CertificateFile, key ?? files.KeyFile, password), _log);
}
