using System.Net;

namespace WebMessenger.Broker.Api;

/// <summary>Where MQTT is served, with the ports that the listeners really got. After the start.</summary>
internal interface IServerAddresses
{
    /// <summary>MQTT over TCP; null: nowhere.</summary>
    IPEndPoint? Mqtt { get; }

    /// <summary>The same for MQTT over TLS.</summary>
    IPEndPoint? MqttOverTls { get; }
}
