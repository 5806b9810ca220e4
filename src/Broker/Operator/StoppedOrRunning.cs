using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>Does a command's work on the data folder itself when no server runs, and asks the server otherwise.</summary>
internal static class StoppedOrRunning
{
    /// <summary>How long to try while the folder is in use and nobody answers: a server that is starting or stopping.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(100);

    /// <param name="stopped">Is called while this process holds the folder.</param>
    /// <exception cref="CommandException">There is no data, or a server that does not answer.</exception>
    public static async Task RunAsync(
        string dataFolder, Func<DataFolder, Task> stopped, Func<OperatorLink, Task> running, TimeProvider time,
        CancellationToken cancellation)
    {
        var isOfNode = DataFolder.IsOfNode(dataFolder);
        if (!isOfNode && !File.Exists(DataFolder.AccountsFileIn(dataFolder)))
        {
            throw new CommandException($"There is no data in {dataFolder}. Set WebMessenger:DataFolder to the folder that the server uses.");
        }

        for (var began = time.GetTimestamp(); ;)
        {
            if (DataFolder.OpenIfFree(dataFolder) is { } folder)
            {
                using (folder)
                {
                    if (isOfNode)
                    {
                        throw new CommandException($"No node runs on {dataFolder}, whose data is in PostgreSQL. Start it, or ask another node, and try again.");
                    }

                    folder.ThrowIfHalfRestored();
                    folder.ThrowIfHalfMoved();
                    await stopped(folder);
                    return;
                }
            }

            if (await OperatorLink.OpenAsync(dataFolder, cancellation) is { } link)
            {
                using (link)
                {
                    await running(link);
                    return;
                }
            }

            if (time.GetElapsedTime(began) > Patience)
            {
                throw new CommandException(
                    $"A server uses {dataFolder}, and does not answer at {DataFolder.ControlSocketIn(dataFolder)}: its log says why. Try again, or stop it and try again.");
            }

            await Task.Delay(BetweenTries, time, cancellation);
        }
    }
}
