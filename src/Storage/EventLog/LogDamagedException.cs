namespace WebMessenger.Storage.EventLog;

/// <summary>The store holds something that cannot be true, or cannot be read: nothing of it is served.</summary>
/// <param name="mayPass">
/// It is not the file but the machine: handles or memory that it is out of. Whoever would pass over it for good tries again instead.
/// </param>
internal sealed class LogDamagedException(string message, Exception? inner = null, bool mayPass = false) : IOException(message, inner)
{
    public bool MayPass => mayPass;

    /// <summary>What could not be read. A file that is not there comes back as little as one that holds something else.</summary>
    /// <param name="reason">As RocksDB says it.</param>
    public static LogDamagedException Of(string reason, Exception? inner = null) => new(
        $"The event log cannot be read: {reason}",
        inner,
        mayPass: !reason.StartsWith("Corruption", StringComparison.Ordinal) && !reason.Contains("No such file", StringComparison.Ordinal));
}
