namespace WebMessenger.Broker.MqttSessions;

/// <summary>
/// What CONNECT asks the server to say when the client is lost (MQTT 5.0, 3.1.2.5). With the CONNECT it is at most 8 KiB.
/// </summary>
/// <param name="DelaySeconds">
/// Will Delay Interval: how long the client has to come back (MQTT 5.0, 3.1.3.2.2). 0, and always in MQTT 3.1.1: no time at all.
/// </param>
/// <param name="ExpirySeconds">Message Expiry Interval, from when it is said; null: it does not expire.</param>
/// <param name="QualityOfService">Of data topics; what is said in a room has its own way, whatever a will asks for.</param>
/// <param name="Retain">The same.</param>
/// <param name="Properties">
/// The same: as they came, but for those that say when it is said and how long it is of use. Null: none, and in records of version 0.1.
/// </param>
/// <param name="Certificate">
/// The fingerprint of the client certificate that its client was let in by, whose end is the will's; null: it came by something else.
/// </param>
internal sealed record LastWill(
    string Topic, byte[] Payload, uint DelaySeconds, uint? ExpirySeconds,
    byte QualityOfService = 0, bool Retain = false, byte[]? Properties = null, string? Certificate = null);
