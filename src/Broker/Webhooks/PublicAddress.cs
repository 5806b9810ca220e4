using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Broker.Webhooks;

/// <summary>
/// Which addresses the server calls for people: such as anybody on the internet can reach. Whoever makes a webhook would else have the
/// server ask its own machine, its neighbours, or what its host keeps at 169.254.169.254.
/// </summary>
internal static class PublicAddress
{
    // IANA's registries of special-purpose addresses: RFC 6890 and what came after.
    private static readonly IPNetwork[] _special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
        }.Select(IPNetwork.Parse),
    ];

    private static readonly IPNetwork _global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork _nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <param name="isEncrypted">What is said in a room does not go over the internet for anybody to read.</param>
    /// <param name="allowed">Networks that the operator has named: these are called, whatever they are.</param>
    /// <param name="own">Those that this machine is in (<see cref="MachineNetworks"/>): public ones, too, have neighbours.</param>
    public static bool MayBeCalled(IPAddress address, bool isEncrypted, IReadOnlyList<IPNetwork> allowed, IReadOnlyList<IPNetwork> own)
    {
        var plain = Plain(address);
        return allowed.Any(network => network.Contains(plain))
            || ((/* guard: webhooks go over the internet encrypted */ isEncrypted)
                && (/* guard: webhooks stay out of the operator's network */ IsPublic(plain))
                && /* guard: webhooks stay out of the machine's own networks */ !own.Any(network => network.Contains(plain)));
    }

    private static bool IsPublic(IPAddress address) =>
        (address.AddressFamily == AddressFamily.InterNetwork || _global6.Contains(address))
        && !Array.Exists(_special, network => network.Contains(address));

    // An address of IPv4 that is written as one of IPv6 is what it leads to.
    private static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : address.AddressFamily == AddressFamily.InterNetworkV6 && _nat64.Contains(address) ? new IPAddress(address.GetAddressBytes().AsSpan(12))
        : address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes())
        : address;
}
