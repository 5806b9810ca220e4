using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rooms;

/// <summary>Where guests come from, as keyed hashes of a room and an address (<see cref="AddressBans"/>).</summary>
/// <remarks>Thread-safe, and a look at memory.</remarks>
internal sealed class GuestAddresses(LoginSessions sessions, BrokerSettings settings)
{
    private const int HashBytes = 16;

    private volatile byte[] _key = [];

    /// <param name="key">Of the hashes. Before anything is served.</param>
    public void Begin(byte[] key) => _key = key;

    /// <summary>Of the addresses that the account is signed in from, but for those that every guest may have.</summary>
    public IEnumerable<string> HashesOf(string roomKey, Account account) => sessions.List(account)
        .Select(session => IPAddress.TryParse(session.Address, out var address) ? address : null)
        .OfType<IPAddress>()
        .Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
        .Where(address => !IsShared(address))
        .Select(address => HashOf(roomKey, Origin.Of(address)))
        .Distinct();

    /// <summary>Null: this is no address.</summary>
    public string? HashOf(string roomKey, string? address) =>
        IPAddress.TryParse(address, out var parsed) ? HashOf(roomKey, Origin.Of(parsed)) : null;

    // Every guest would have it: behind a proxy that does not tell the address of its clients, and at the machine itself.
    private bool IsShared(IPAddress address) =>
        (/* guard: this machine is nobody's address */ IPAddress.IsLoopback(address))
        || (/* guard: a proxy is nobody's address */ TrustedProxies.AreAt(address, settings.TrustedProxies));

    private string HashOf(string roomKey, Origin origin)
    {
        var key = Encoding.ASCII.GetBytes(roomKey);
        Span<byte> text = stackalloc byte[16 + key.Length];
        BinaryPrimitives.WriteUInt128BigEndian(text, origin.Prefix);
        key.CopyTo(text[16..]);
        return Convert.ToHexStringLower(HMACSHA256.HashData(_key, text).AsSpan(0, HashBytes));
    }
}
