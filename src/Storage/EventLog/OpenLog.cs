namespace WebMessenger.Storage.EventLog;

/// <summary>A log whose head is in memory for as long as somebody holds this.</summary>
/// <remarks>Thread-safe. Asking for the head never waits: it may be done under a lock, and on any thread.</remarks>
public abstract class OpenLog
{
    /// <summary>As of what is on disk just then. After the store is closed: as it was last.</summary>
    public abstract LogHead Head { get; }
}
