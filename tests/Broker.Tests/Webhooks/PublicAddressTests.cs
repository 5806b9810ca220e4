using System.Net;
using WebMessenger.Broker.Webhooks;

namespace WebMessenger.Broker.Tests.Webhooks;

public sealed class PublicAddressTests
{
    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:2800:220:1:248:1893:25c8:1946", true)]
    [InlineData("::ffff:93.184.216.34", true)]
    [InlineData("64:ff9b::5db8:d822", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("198.18.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fd12::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fec0::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:7f00:1::", false)]
    [InlineData("2001:db8::1", false)]
    public void An_address_is_called_that_anybody_on_the_internet_can_reach(string address, bool isCalled) =>
        Assert.Equal(isCalled, PublicAddress.MayBeCalled(IPAddress.Parse(address), isEncrypted: true, [], []));

    [Fact]
    public void What_the_operator_names_is_called_and_its_neighbours_are_not()
    {
        IPNetwork[] allowed = [IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("::1/128")];

        Assert.True(PublicAddress.MayBeCalled(IPAddress.Parse("10.1.9.9"), isEncrypted: true, allowed, []));
        Assert.True(PublicAddress.MayBeCalled(IPAddress.Parse("::ffff:10.1.9.9"), isEncrypted: true, allowed, []));
        Assert.True(PublicAddress.MayBeCalled(IPAddress.IPv6Loopback, isEncrypted: true, allowed, []));
        Assert.False(PublicAddress.MayBeCalled(IPAddress.Parse("10.2.0.1"), isEncrypted: true, allowed, []));
    }

    [Theory]
    [InlineData("10.1.9.9", true)]
    [InlineData("93.184.216.34", false)]
    [InlineData("2606:2800:220:1:248:1893:25c8:1946", false)]
    public void Without_encryption_only_what_the_operator_names_is_called(string address, bool isCalled)
    {
        IPNetwork[] allowed = [IPNetwork.Parse("10.1.0.0/16")];

        Assert.True(PublicAddress.MayBeCalled(IPAddress.Parse(address), isEncrypted: true, allowed, []));
        Assert.Equal(isCalled, PublicAddress.MayBeCalled(IPAddress.Parse(address), isEncrypted: false, allowed, []));
    }

    [Theory]
    [InlineData("93.184.216.34", 24, "93.184.216.77", "93.184.217.1")]
    [InlineData("93.184.216.34", 32, "93.184.216.34", "93.184.216.35")]
    [InlineData("93.184.216.34", 0, "93.184.216.34", "93.184.216.35")]
    [InlineData("93.184.216.34", 22, "::ffff:93.184.219.1", "::ffff:93.184.220.1")]
    [InlineData("2606:2800:220:1::5", 64, "2606:2800:220:1:248:1893:25c8:1946", "2606:2800:220:2::1")]
    [InlineData("2606:2800:220:1::5", 128, "2606:2800:220:1::5", "2606:2800:220:1::6")]
    public void Neighbours_of_the_machine_are_not_called_though_their_addresses_are_public(string its, int prefix, string neighbour, string beyond)
    {
        IPNetwork[] own = [MachineNetworks.NetworkOf(IPAddress.Parse(its), prefix)];

        Assert.True(PublicAddress.MayBeCalled(IPAddress.Parse(beyond), isEncrypted: true, [], own));
        Assert.False(PublicAddress.MayBeCalled(IPAddress.Parse(neighbour), isEncrypted: true, [], own));
        Assert.True(PublicAddress.MayBeCalled(IPAddress.Parse(neighbour), isEncrypted: true, own, own));
    }

    [Fact]
    public void The_machine_knows_its_own_networks()
    {
        var own = MachineNetworks.Now();

        Assert.Contains(own, network => network.Contains(IPAddress.Loopback));
        foreach (var address in Dns.GetHostAddresses(Dns.GetHostName()))
        {
            Assert.Contains(own, network => network.Contains(new IPAddress(address.GetAddressBytes())));
        }
    }
}
