using WebMessenger.Broker.Search;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Retention;

/// <summary>Gives back the space of what is in the search index no more.</summary>
/// <remarks>A table at a time, with a rest after each: it shares the disk with those who talk.</remarks>
internal sealed class FreedSpace(ISearchIndex search, SearchReach reach, TimeProvider time)
{
    private const int MostTables = 1_000;
    private const int RestsFor = 3;

    /// <summary>
    /// Waits a while until the index has heard of all that was truncated up to a place of the journal. False: it has not, and nothing is
    /// given back; or not all, for somebody else had much to take out of it meanwhile. Try again later.
    /// </summary>
    /// <param name="cancellation">What is not begun is left: call it anew.</param>
    /// <exception cref="IOException">The store or the index cannot be read or written.</exception>
    public async Task<bool> TryGiveBackAsync(JournalPosition place, CancellationToken cancellation)
    {
        if (!await reach.HasReachedAsync(place).WaitAsync(cancellation))
        {
            return false;
        }

        try
        {
            var isClean = false;
            for (var table = 0; table < MostTables && !isClean; table++)
            {
                var began = time.GetTimestamp();
                isClean = !await Task.Run(() => search.Clean(ofTables: true, out _), cancellation);
                var worked = time.GetElapsedTime(began);
                await Task.Delay(worked * RestsFor, time, cancellation);
            }

            await Task.Run(search.Shrink, cancellation);
            return isClean;
        }
        catch (SearchIndexLostException)
        {
            // It is made anew from what there is.
            return true;
        }
    }
}
