using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Auth.Sessions;

/// <summary>Where a request comes from, as limits count it: one IPv4 address, one IPv6 /64 (one household has all of it), or "unknown".</summary>
public readonly record struct Origin(UInt128 Prefix, bool IsKnown)
{
    private const int HouseholdBytes = 8;
    private const int SiteBytes = 6;

    public static Origin Of(IPAddress? address) => Of(address, HouseholdBytes, out _);

    /// <summary>The IPv6 /48 around it, which whoever rents a server has for the asking. False: it is no IPv6 address.</summary>
    public static bool TrySite(IPAddress? address, out Origin site)
    {
        site = Of(address, SiteBytes, out var isWide);
        return isWide;
    }

    private static Origin Of(IPAddress? address, int prefixBytes, out bool isWide)
    {
        isWide = false;
        if (address is null)
        {
            return default;
        }

        var v6 = address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address;
        Span<byte> bytes = stackalloc byte[16];
        v6.TryWriteBytes(bytes, out _);
        if (!v6.IsIPv4MappedToIPv6)
        {
            isWide = true;
            bytes[prefixBytes..].Clear();
        }

        return new Origin(BinaryPrimitives.ReadUInt128BigEndian(bytes), true);
    }
}
