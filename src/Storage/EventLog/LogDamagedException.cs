namespace WebMessenger.Storage.EventLog;

/// <summary>The store holds something that cannot be true, or cannot be read: nothing of it is served.</summary>
internal sealed class LogDamagedException(string message, Exception? inner = null) : IOException(message, inner);
