using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Auth.Limits;

/// <summary>
/// Where a request comes from, as limits count it: one IPv4 address, one IPv6 /64 (one household has all of it), or "unknown".
/// </summary>
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

        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            // As the IPv6 address that it is mapped to (RFC 4291, 2.5.5.2): an IPv6 socket shows an IPv4 peer so.
            bytes.Clear();
            bytes[10..12].Fill(0xFF);
            address.TryWriteBytes(bytes[12..], out _);
            return new Origin(BinaryPrimitives.ReadUInt128BigEndian(bytes), true);
        }

        address.TryWriteBytes(bytes, out _);
        if (/* guard: an IPv6 network counts as one address */ !address.IsIPv4MappedToIPv6)
        {
            isWide = true;
            bytes[prefixBytes..].Clear();
        }

        return new Origin(BinaryPrimitives.ReadUInt128BigEndian(bytes), true);
    }
}
