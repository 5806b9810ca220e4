using WebMessenger.Broker.Nodes;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Search;

/// <summary>
/// Takes removed words out of the index's files, a table at a time: at once after a rest, and then no faster than
/// <see cref="BytesPerSecond"/>, however much is edited, and however long what is edited is.
/// </summary>
/// <remarks>So it also finds out, within a second, that the files were taken away while nobody says anything.</remarks>
internal sealed class SearchCleaning(ISearchIndex index, TimeProvider time, IDuties? duties = null) : ScheduledWork(duties ?? AloneDuties.Instance)
{
    /// <summary>Written on average, while words are removed without end: a small machine has a hundred times as much.</summary>
    public const int BytesPerSecond = 512 * 1024;

    public static TimeSpan Period { get; } = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_longestRest = TimeSpan.FromHours(1);

    private long _cleaned;
    private TimeSpan _rest;

    protected override async Task WorkAsync(CancellationToken over)
    {
        using PeriodicTimer timer = new(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                Clean();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The end.
        }
    }

    /// <summary>Returns how many bytes that has written.</summary>
    internal long Clean()
    {
        try
        {
            var hasRested = _rest == TimeSpan.Zero || (/* guard: search: cleaning rests */ time.GetElapsedTime(_cleaned) >= _rest);
            index.Clean(hasRested, out var written);
            if (hasRested)
            {
                var rest = TimeSpan.FromSeconds((double)written / BytesPerSecond);
                (_cleaned, _rest) = (time.GetTimestamp(), rest < s_longestRest ? rest : s_longestRest);
            }

            return written;
        }
        catch (IOException)
        {
            // Told by who feeds the index, which is made anew if it is lost.
            return 0;
        }
    }
}
