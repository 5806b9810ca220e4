namespace WebMessenger.Wire.Testing;

/// <summary>MQTT's protocol level, as CONNECT carries it.</summary>
internal enum MqttVersion : byte
{
    V311 = 4,
    V5 = 5,
}

/// <summary>The upper four bits of a packet's first byte.</summary>
internal enum PacketType : byte
{
    Reserved = 0,
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}
