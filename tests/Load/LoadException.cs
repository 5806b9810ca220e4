namespace WebMessenger.Load;

/// <summary>The run cannot go on; the message says why, for the person who started it.</summary>
internal sealed class LoadException(string message) : Exception(message);
