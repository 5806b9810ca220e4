using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Search;

/// <summary>
/// How far those have come that take away what belongs to what was deleted, words in the search index and reactions, for who waits until
/// they have come to a place.
/// </summary>
internal sealed class SearchReach(SearchFollower follower, IRecords records, TimeProvider time)
{
    /// <summary>So long they are waited for. They are a second behind, unless the index is being made anew or cannot be written.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan _betweenLooks = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether both have all that was done up to a place of the journal, now or before patience is over.</summary>
    /// <exception cref="IOException">Nobody can tell, for the store cannot be read.</exception>
    public async Task<bool> HasReachedAsync(JournalPosition place)
    {
        var began = time.GetTimestamp();
        while (!IsAt(place))
        {
            if (time.GetElapsedTime(began) > Patience)
            {
                return false;
            }

            await Task.Delay(_betweenLooks, time);
        }

        return true;
    }

    private bool IsAt(JournalPosition place) =>
        !follower.Progress.IsBuilding
        && HasReached(follower.Name, place)
        && /* guard: what is purged has no reactions any more */ HasReached(ReactionFollower.Follower, place);

    private bool HasReached(string name, JournalPosition place) =>
        Following.PlaceOf(records, name) is { } now
        && now.Epoch == place.Epoch
        && now.Number >= place.Number;
}
