using System.Net;
using System.Net.NetworkInformation;

namespace WebMessenger.Broker.Webhooks;

/// <summary>The networks that this machine is in: its own addresses, and what its interfaces reach without a router.</summary>
internal static class MachineNetworks
{
    /// <summary>As they are now: addresses come and go. Asks the system, which takes about a millisecond.</summary>
    /// <exception cref="NetworkInformationException">The system does not say.</exception>
    public static IReadOnlyList<IPNetwork> Now() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(one => one.GetIPProperties().UnicastAddresses)
            .Select(one => NetworkOf(one.Address, one.PrefixLength)),
    ];

    /// <param name="prefixLength">0, where there is no network beside the address: the address alone.</param>
    internal static IPNetwork NetworkOf(IPAddress address, int prefixLength)
    {
        var bytes = address.GetAddressBytes();
        var bits = prefixLength <= 0 ? bytes.Length * 8 : Math.Min(prefixLength, bytes.Length * 8);
        for (var at = 0; at < bytes.Length; at++)
        {
            var kept = Math.Clamp(bits - (at * 8), 0, 8);
            bytes[at] = (byte)(bytes[at] & (0xFF << (8 - kept)));
        }

        // Made of bytes alone: without the scope of a link-local one, as addresses that are looked up have none.
        return new IPNetwork(new IPAddress(bytes), bits);
    }
}
