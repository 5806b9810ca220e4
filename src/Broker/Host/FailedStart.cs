namespace WebMessenger.Broker.Host;

/// <summary>Ends a program of which something could not start.</summary>
internal static partial class FailedStart
{
    /// <summary>What has started before works with the stores until it is stopped, so it ends before they are closed.</summary>
    /// <param name="app">Null: nothing was even made.</param>
    public static async Task EndAsync(WebApplication? app)
    {
        if (app is null)
        {
            return;
        }

        try
        {
            await app.StopAsync();
        }
        catch (Exception error)
        {
            // What had not started says in its own way that it cannot be stopped; why the program does not start is told by another one.
            LogNotStopped(app.Logger, error.Message);
        }

        await app.DisposeAsync();
    }

    [LoggerMessage(4281, LogLevel.Debug, "Something could not be stopped, of a program that could not start: {Message}")]
    private static partial void LogNotStopped(ILogger logger, string message);
}
