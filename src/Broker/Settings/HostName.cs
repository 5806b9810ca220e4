using System.Globalization;
using System.Net;

namespace WebMessenger.Broker.Settings;

/// <summary>
/// Host names as they are compared: `bücher.example` and `xn--bcher-kva.example` are one, in any case, with a dot behind it or not.
/// </summary>
internal static class HostName
{
    private static readonly IdnMapping Idn = new();

    /// <summary>An IPv6 address with or without its brackets becomes one without. What is no host name at all stays as it is.</summary>
    public static string Fold(string host)
    {
        var bare = host.Trim('[', ']').TrimEnd('.').ToLowerInvariant();
        if (IPAddress.TryParse(bare, out var address))
        {
            return address.ToString();
        }

        try
        {
            return Idn.GetAscii(bare).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return bare;
        }
    }
}
