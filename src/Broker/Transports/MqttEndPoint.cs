using System.Net;

namespace WebMessenger.Broker.Transports;

/// <summary>Where unencrypted MQTT is listened for. A type of its own, so that Kestrel takes <see cref="MqttSockets"/> for it.</summary>
internal sealed class MqttEndPoint(IPAddress address, int port) : IPEndPoint(address, port);
