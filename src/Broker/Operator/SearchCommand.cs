using System.Globalization;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>`search rebuild`: has the running server make the search index anew, or removes it so that the next start does.</summary>
internal sealed class SearchCommand(string dataFolder, TextWriter output, TimeProvider time)
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    /// <exception cref="CommandException">It was not begun, or the server has gone.</exception>
    public Task RebuildAsync(string what, CancellationToken cancellation) => what != "rebuild"
        ? throw new CommandException($"There is no search {Events.PlainLine.Of(what)}: it is search rebuild.")
        : StoppedOrRunning.RunAsync(dataFolder, Remove, link => FollowAsync(link, cancellation), time, cancellation);

    private Task Remove(DataFolder folder)
    {
        var index = DataFolder.SearchFolderIn(folder.FullPath);
        if (Directory.Exists(index))
        {
            Directory.Delete(index, recursive: true);
        }

        output.WriteLine("No server is running: the search index is removed, and made anew when the server starts.");
        return Task.CompletedTask;
    }

    // Whoever goes leaves the server at it.
    private async Task FollowAsync(OperatorLink link, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var answer = await link.PostAsync(
            OperatorApi.SearchRebuild, new SearchRebuildRequest(), OperatorJson.Default.SearchRebuildRequest, OperatorJson.Default.SearchAnswer,
            CancellationToken.None);
        while (answer.IsBuilding)
        {
            await Task.Delay(s_betweenLooks, time, cancellation);
            answer = await link.GetAsync(OperatorApi.SearchIndex, OperatorJson.Default.SearchAnswer, cancellation);
            Say($"{answer.Done} of {Math.Max(answer.Done, answer.Total)} events");
        }

        Say($"The search index was made anew, of {answer.Done} events in {time.GetElapsedTime(began).TotalSeconds:F1} s");
    }

    private void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
