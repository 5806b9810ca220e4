namespace WebMessenger.Broker.Rooms;

/// <summary>Work that the disk may refuse without stopping what it belongs to: what is left is noted, and done later.</summary>
internal sealed partial class LeftBehind(ILogger<LeftBehind> logger)
{
    /// <summary>What a disk does not take now is done by the next start: it is noted there. False: it was not taken.</summary>
    public async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            Tell(error);
            return false;
        }
    }

    /// <summary>Tells the operator.</summary>
    public void Tell(Exception error) => LogLeftBehind(logger, error.Message);

    [LoggerMessage(4270, LogLevel.Warning,
        "What is left of deleted rooms or erased accounts could not all be removed. "
        + "It is noted, and tried again every five seconds: {Reason}")]
    private static partial void LogLeftBehind(ILogger logger, string reason);
}
