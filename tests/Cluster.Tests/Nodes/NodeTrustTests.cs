using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class NodeTrustTests : IDisposable
{
    private readonly NodeFiles _files = new();

    [Fact]
    public void Beyond_loopback_nodes_have_certificates_or_the_program_says_why_not()
    {
        NodeOptions alone = new() { Postgres = "" };
        var (certificate, key) = _files.Save(NodeFiles.Signed(NodeFiles.Authority("house"), "node"), "node");

        Assert.Null(alone.Mistake());
        Assert.Null((alone with { Address = IPAddress.IPv6Loopback }).Mistake());
        Assert.Null((alone with { Address = IPAddress.Parse("10.0.0.1"), Certificate = certificate, CertificateKey = key, Authority = certificate }).Mistake());
        Assert.Contains("10.0.0.1", (alone with { Address = IPAddress.Parse("10.0.0.1") }).Mistake(), StringComparison.Ordinal);
        Assert.Contains("all or none", (alone with { Certificate = certificate }).Mistake(), StringComparison.Ordinal);
        Assert.Contains("no file", (alone with { Certificate = certificate, CertificateKey = key, Authority = "/nowhere" }).Mistake(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_talk_to_those_whose_certificate_the_houses_authority_has_signed()
    {
        using var authority = NodeFiles.Authority("house");
        using var other = NodeFiles.Authority("other");
        var (trusted, _) = _files.Save(authority, "authority");
        await using var house = await House.OpenAsync();
        List<NodeOptions> all = [];
        foreach (var name in new[] { "first", "second" })
        {
            var (certificate, key) = _files.Save(NodeFiles.Signed(authority, name), name);
            var node = await house.AddAsync(options: own =>
            {
                all.Add(own with { Certificate = certificate, CertificateKey = key, Authority = trusted });
                return all[^1];
            });
            node.Links.Answer(NodeTopic.Figures, (_, asked) => Task.FromResult(asked));
        }

        foreach (var node in house.Nodes)
        {
            await node.Links.StartAsync().SoonAsync();
        }

        var answer = await house.Nodes[0].Links.AskAsync(
            house.Nodes[1].Name, NodeTopic.Figures, new byte[] { 7 }, TestContext.Current.CancellationToken);
        Assert.Equal(7, answer.Span[0]);

        Assert.True(await IsHeardOutAsync(all[1].Port, NodeFiles.Signed(authority, "third")));
        Assert.False(await IsHeardOutAsync(all[1].Port, NodeFiles.Signed(other, "third")));
        Assert.False(await IsHeardOutAsync(all[1].Port, null));
    }

    public void Dispose() => _files.Dispose();

    // Whoever is trusted is waited for, as he has said nothing yet; whoever is not is thrown out.
    private static async Task<bool> IsHeardOutAsync(int port, X509Certificate2? certificate)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await using SslStream tls = new(client.GetStream());
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(1));
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "127.0.0.1",
                ClientCertificates = certificate is null ? [] : [certificate],
                RemoteCertificateValidationCallback = (_, its, _, _) => its is not null,
            });
            return await tls.ReadAsync(new byte[1], patience.Token) != 0;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            return false;
        }
    }
}
