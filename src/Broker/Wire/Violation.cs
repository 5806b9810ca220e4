namespace WebMessenger.Broker.Wire;

/// <summary>
/// The client broke the protocol or a limit: the connection ends with this reason code (MQTT 5) or without a word (3.1.1).
/// </summary>
internal sealed class Violation(byte code, string reason) : Exception(reason)
{
    public byte Code { get; } = code;
}
