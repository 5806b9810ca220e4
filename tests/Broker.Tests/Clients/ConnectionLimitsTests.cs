using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>How many connections one address may open.</summary>
public sealed class ConnectionLimitsTests
{
    [Fact]
    public void Attack_60_An_address_opens_so_many_connections_a_second_and_no_more()
    {
        FakeTimeProvider time = new();
        ConnectionLimits limits = new(new BrokerLimits { ConnectsPerSecondPerAddress = 5, ConnectionsPerAddress = 0 }, time);
        var (here, there) = (IPAddress.Parse("203.0.113.7"), IPAddress.Parse("203.0.113.8"));
        Assert.All(Enumerable.Range(0, 5), _ => Assert.True(limits.TryEnter(here)));
        Assert.False(limits.TryEnter(here));
        Assert.True(limits.TryEnter(there));
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.True(limits.TryEnter(here));
        Assert.False(limits.TryEnter(here));

        // A household has a whole network of addresses.
        Assert.All(Enumerable.Range(1, 5), i => Assert.True(limits.TryEnter(IPAddress.Parse($"2001:db8:1:2::{i}"))));
        Assert.False(limits.TryEnter(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.True(limits.TryEnter(IPAddress.Parse("2001:db8:1:3::1")));
    }

    [Fact]
    public void Fault_S1_A_network_that_is_refused_keeps_nobody_else_out_however_many_addresses_it_has()
    {
        ConnectionLimits limits = new(new BrokerLimits { ConnectsPerSecondPerAddress = 5, ConnectionsPerAddress = 0 }, new FakeTimeProvider());
        var entered = 0;
        for (var i = 0; i < 120_000; i++)
        {
            // Two /48 beside each other, from another /64 each time.
            entered += limits.TryEnter(IPAddress.Parse($"2001:db8:{i % 2}:{i / 2:x}::1")) ? 1 : 0;
        }

        Assert.Equal(2 * 4 * 5, entered);
        Assert.True(limits.TryEnter(IPAddress.Parse("203.0.113.7")));
        Assert.True(limits.TryEnter(IPAddress.Parse("2001:db8:7:1::1")));
    }
}
