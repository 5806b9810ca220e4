namespace WebMessenger.Broker.MqttSessions;

/// <summary>A kept client that this node, of several, has taken just now.</summary>
/// <param name="Fence">See <see cref="DurableClient.Fence"/>.</param>
/// <param name="Received">Packet ids of QoS 2 publishes that are stored and that the client has not released, and what they were.</param>
/// <param name="Position">The record of where it is, if this node has not heard that. Null: it has, or there is none.</param>
internal sealed record Taken(byte[] Fence, IReadOnlyDictionary<ushort, ulong> Received, byte[]? Position = null);
