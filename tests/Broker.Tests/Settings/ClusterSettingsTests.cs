using Microsoft.Extensions.Configuration;
using WebMessenger.Broker.Settings;
using WebMessenger.Cluster.Connections;

namespace WebMessenger.Broker.Tests.Settings;

public sealed class ClusterSettingsTests
{
    private const string Postgres = "Host=db;Password=swordfish";

    [Fact]
    public void Without_a_database_the_program_is_alone()
    {
        Assert.Null(Read().Cluster);
        Assert.Null(Read(("Postgres", ""), ("Port", "5")).Cluster);
    }

    [Fact]
    public void With_one_it_is_a_node_on_this_machine_unless_more_is_said()
    {
        var cluster = Read(("Postgres", Postgres)).Cluster;

        Assert.NotNull(cluster);
        Assert.Equal((Postgres, "127.0.0.1", 11_111, ConnectionCounts.Reads, 5), (cluster.Postgres, cluster.Address.ToString(), cluster.Port, cluster.ReadConnections, cluster.DrainSeconds));
        Assert.DoesNotContain("swordfish", cluster.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_of_several_machines_have_certificates()
    {
        (string, string)[] settings = [("Postgres", Postgres), ("Address", "10.0.0.5"), ("Certificate", "node.pem"), ("Authority", "ca.pem")];
        var cluster = Read(settings).Cluster;

        Assert.Equal(cluster!.Certificate, cluster.CertificateKey);
        Assert.True(Path.IsPathFullyQualified(cluster.Authority!));
        Assert.Contains("WebMessenger:Cluster:Address", Refusal([.. settings[..2]]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Address", "0.0.0.0")]
    [InlineData("Address", "node1")]
    [InlineData("Port", "70000")]
    [InlineData("DrainSeconds", "61")]
    [InlineData("ReadConnections", "1")]
    [InlineData("Certificate", "node.pem")]
    [InlineData("Authority", "ca.pem")]
    [InlineData("CertificateKey", "node.key")]
    [InlineData("Prot", "1")]
    public void A_bad_setting_is_one_line_that_names_its_key_and_no_secret(string key, string value)
    {
        Assert.NotNull(Read(("Postgres", Postgres)).Cluster);

        var refusal = Refusal(("Postgres", Postgres), (key, value));

        Assert.Contains("Cluster:" + (key is "Authority" or "CertificateKey" ? "Certificate" : key), refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("swordfish", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal);
    }

    private static string Refusal(params (string Key, string Value)[] settings) => Assert.Throws<StartupException>(() => Read(settings)).Message;

    private static BrokerSettings Read(params (string Key, string Value)[] settings) => SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(
        settings.Select(setting => KeyValuePair.Create("WebMessenger:Cluster:" + setting.Key, (string?)setting.Value))).Build());
}
