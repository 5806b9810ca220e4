using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

/// <summary>`purge`: what was deleted and edited leaves the files of the data folder; says what it cannot reach.</summary>
internal sealed class PurgeCommand(string dataFolder, TextWriter output, TimeProvider time)
{
    private static readonly TimeSpan _betweenLooks = TimeSpan.FromSeconds(1);

    // As they are told: a long one is seen to go on.
    private const int LooksBetweenLines = 5;

    /// <exception cref="CommandException">It was not begun, or the server has gone.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        await StoppedOrRunning.RunAsync(dataFolder, PurgeStoppedAsync, link => FollowAsync(link, cancellation), time, cancellation);
        Say($"What was deleted is in no file of {dataFolder} any more, after {time.GetElapsedTime(began).TotalSeconds:F1} s. Out of reach are:");
        foreach (var kept in KeptAside())
        {
            Say($"- {kept}, which can be deleted when it is not needed");
        }

        Say($"- backups made before, and browsers and other clients that are away: they hear of it when they are back");
    }

    private async Task PurgeStoppedAsync(DataFolder folder)
    {
        // It may not have followed to the last deletion.
        var index = DataFolder.SearchFolderIn(folder.FullPath);
        if (Directory.Exists(index))
        {
            Directory.Delete(index, recursive: true);
        }

        Say($"No server is running: the files are written anew here, and the search index when the server starts.");
        await using var log = await Task.Run(() => RocksEventLog.Open(
            DataFolder.RoomsFolderIn(folder.FullPath), null, time, NullLogger<RocksEventLog>.Instance));

        // The server may have ended before it took away the reactions to what was deleted last.
        await Task.Run(() => new Following(log, log, new ReactionFollower(log, log), time, NullLogger.Instance).CatchUpAsync(CancellationToken.None));
        await Task.Run(() => log.Purge(), CancellationToken.None);
    }

    // Whoever goes leaves the server at it.
    private async Task FollowAsync(OperatorLink link, CancellationToken cancellation)
    {
        var answer = await link.PostAsync(
            OperatorApi.Purge, new PurgeRequest(), OperatorJson.Default.PurgeRequest, OperatorJson.Default.PurgeAnswer, CancellationToken.None);
        for (var looks = 1; answer.IsRunning; looks++)
        {
            await Task.Delay(_betweenLooks, time, cancellation);
            answer = await link.GetAsync(OperatorApi.Purge, OperatorJson.Default.PurgeAnswer, cancellation);
            if (answer.IsRunning && looks % LooksBetweenLines == 0)
            {
                Say($"The files are being written anew, for {looks} s by now");
            }
        }

        if (answer.Failure is { } failure)
        {
            throw new CommandException(failure);
        }
    }

    private IEnumerable<string> KeptAside()
    {
        var rooms = DataFolder.RoomsFolderIn(dataFolder);
        return Directory.EnumerateDirectories(dataFolder, Path.GetFileName(rooms) + ".damaged-*")
            .Append(DataFolder.FirstFormatIn(dataFolder)).Where(Directory.Exists).Order(StringComparer.Ordinal);
    }

    private void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
