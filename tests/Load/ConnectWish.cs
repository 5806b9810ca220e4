using WebMessenger.Wire.Testing;

namespace WebMessenger.Load;

/// <summary>What a client signs in with.</summary>
internal sealed record Login(string UserName, string Secret);

/// <summary>What CONNECT asks for. Its keep-alive is off.</summary>
/// <param name="IsClean">MQTT 5: clean start.</param>
/// <param name="SessionExpirySeconds">MQTT 5 only. 0: the session ends with the connection.</param>
/// <param name="ReceiveMaximum">MQTT 5 only. 0: not said, which is 65,535.</param>
internal sealed record ConnectWish(bool IsClean = true, uint SessionExpirySeconds = 0, ushort ReceiveMaximum = 0)
{
    public static ConnectWish Clean { get; } = new();

    /// <param name="login">Null: a page, which its cookie signs in.</param>
    public byte[] ToPacket(MqttVersion version, string clientId, Login? login)
    {
        MqttProperties properties = [];
        if (SessionExpirySeconds > 0)
        {
            properties.Add(PropertyId.SessionExpiry, SessionExpirySeconds);
        }

        if (ReceiveMaximum > 0)
        {
            properties.Add(PropertyId.ReceiveMaximum, ReceiveMaximum);
        }

        return ClientPackets.Connect(version, login?.UserName, login?.Secret, clientId, IsClean, keepAlive: 0, properties: properties);
    }
}
