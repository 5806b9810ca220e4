using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Host;

/// <summary>Gives back the space of what was truncated: in the event log, and then in the search index, which follows it.</summary>
/// <remarks>Of the index a table at a time, with a rest after each: it shares the disk with those who talk.</remarks>
internal sealed class FreedSpace(ILogSpace events, ISearchIndex search, TimeProvider time) : ILogSpace
{
    private const int MostTables = 1_000;
    private const int RestsFor = 3;

    public async Task GiveBackAsync(LogName log, CancellationToken cancellation = default)
    {
        await events.GiveBackAsync(log, cancellation);
        try
        {
            for (var table = 0; table < MostTables; table++)
            {
                var began = time.GetTimestamp();
                if (!await Task.Run(() => search.Clean(ofTables: true, out _), cancellation))
                {
                    break;
                }

                var worked = time.GetElapsedTime(began);
                await Task.Delay(worked * RestsFor, time, cancellation);
            }

            await Task.Run(search.Shrink, cancellation);
        }
        catch (SearchIndexLostException)
        {
            // It is made anew from what there is.
        }
    }
}
