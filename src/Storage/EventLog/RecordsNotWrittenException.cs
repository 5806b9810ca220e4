namespace WebMessenger.Storage.EventLog;

/// <summary>The event log could not write just now, and nothing of what was asked for is stored; it may be tried again.</summary>
public sealed class RecordsNotWrittenException(string message) : IOException(message);
