namespace WebMessenger.Broker.Archives;

/// <summary>A room's file is not taken, or cannot be written. The message says why to who has it, with part and line.</summary>
internal class ArchiveException(string message) : Exception(message);

/// <summary>Who imports has stored as much today as he may.</summary>
internal sealed class ArchiveQuotaException(TimeSpan wait) : ArchiveException("You have stored as much today as you may. Try again later.")
{
    /// <summary>So long until it is worth trying again.</summary>
    public TimeSpan Wait => wait;
}
