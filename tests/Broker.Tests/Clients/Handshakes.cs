using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MQTTnet.Server;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>What tests of the handshake share.</summary>
internal static class Handshakes
{
    // What closes a connection here is what the test sent, however slow the machine is.
    internal static void WithoutHandshakeTimeout(IServiceCollection services) =>
        services.AddSingleton(new MqttServerOptionsBuilder().WithPersistentSessions(false).WithDefaultCommunicationTimeout(TimeSpan.FromHours(1)).Build());

    internal static byte[] Connect(byte level, byte flags, byte[] clientId, string user, string password, string protocol = "MQTT")
    {
        var packet = new MqttWriter().String(protocol).Byte(level).Byte(flags).UInt16(60);
        if ((level & 0x7F) == 5)
        {
            packet.Properties(null);
        }

        return packet.Binary(clientId).String(user).String(password).ToPacket(PacketType.Connect);
    }
}
