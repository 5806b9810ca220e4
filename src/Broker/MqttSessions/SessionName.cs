namespace WebMessenger.Broker.MqttSessions;

/// <summary>
/// How an account's MQTT sessions are named: by mount and client id (decision 31), so that clients of two mounts do not take each other
/// over. Without mount it is the client id.
/// </summary>
internal static class SessionName
{
    /// <summary>No client id has it, for they have no control characters.</summary>
    private const char Separator = '\u001f';

    public static string Of(string? mount, string clientId) => mount is null ? clientId : mount + Separator + clientId;

    /// <summary>
    /// In a house of several nodes, of what a client without mount hears and says of devices: kept apart from its talk, where the data
    /// topics are. No mount is empty.
    /// </summary>
    public static string OfData(string clientId) => Separator + clientId;

    /// <summary>See <see cref="OfData"/>.</summary>
    public static bool IsOfData(string name) => name.StartsWith(Separator);

    /// <summary>Null: it has no mount.</summary>
    public static string? MountOf(string name) => name.IndexOf(Separator, StringComparison.Ordinal) is > 0 and var at ? name[..at] : null;

    public static string ClientIdOf(string name) => name[(name.IndexOf(Separator, StringComparison.Ordinal) + 1)..];
}
