using System.Net;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// How many MQTT connections one address may open and have. A client behind a trusted proxy counts under the address that the proxy names.
/// </summary>
internal sealed class ConnectionLimits(BrokerLimits limits, TimeProvider time)
{
    private readonly AddressPlaces _places = new(
        limits.ConnectionsPerAddress, limits.ConnectsPerSecondPerAddress, limits.ConnectsPerSecondPerAddress, time);

    /// <summary>Counts a connection in; false: it is one too many.</summary>
    public bool TryEnter(IPAddress? address) => _places.TryEnter(address);

    public void Leave(IPAddress? address) => _places.Leave(address);

    /// <summary>Forgets addresses that have no connection and a full budget. Called now and then.</summary>
    public void Sweep() => _places.Sweep();
}
