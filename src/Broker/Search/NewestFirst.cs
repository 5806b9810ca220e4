using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Search;

/// <summary>
/// Hits of many stretches, the newest first, of which no more are read than are shown: how new those of a stretch are at most is known
/// before they are read.
/// </summary>
internal sealed class NewestFirst
{
    private readonly PriorityQueue<Place, Order> _queue = new();

    public NewestFirst(IReadOnlyList<SearchStretch> stretches)
    {
        foreach (var stretch in stretches)
        {
            Ask(new Place(stretch, 0), stretch.Until.ToUnixTimeMilliseconds());
        }
    }

    /// <summary>What was not come to yet is not newer than this (ms).</summary>
    public long Reached => _queue.TryPeek(out _, out var order) ? order.At : long.MinValue;

    /// <summary>Null: there is none that is newer than <paramref name="after"/> (ms).</summary>
    public FoundMessage? Next(Searching.Reading reading, long after)
    {
        while (_queue.TryPeek(out _, out var order) && order.At > after && !reading.IsSpent)
        {
            var place = _queue.Dequeue();
            if (place.Message is { } message)
            {
                Ask(new Place(place.Stretch, place.Index + 1), order.At);
                return message;
            }

            var hit = place.Stretch.Hits[place.Index];
            if (reading.Find(place.Stretch.Log, hit.Seq) is { } found)
            {
                var at = found.Entry.At.ToUnixTimeMilliseconds();
                _queue.Enqueue(place with { Message = found }, new Order(at, IsRead: true, place.Stretch.Log, hit.Seq));
            }
            else
            {
                Ask(new Place(place.Stretch, place.Index + 1), order.At);
            }
        }

        return null;
    }

    private void Ask(Place place, long newest)
    {
        if (place.Index < place.Stretch.Hits.Count)
        {
            _queue.Enqueue(place, new Order(newest, IsRead: false, place.Stretch.Log, place.Stretch.Hits[place.Index].Seq));
        }
    }

    private sealed record Place(SearchStretch Stretch, int Index, FoundMessage? Message = null);

    // Of those of one millisecond, all that may be among them are read first: so their order is the same on each page.
    private readonly record struct Order(long At, bool IsRead, LogName Log, long Seq) : IComparable<Order>
    {
        public int CompareTo(Order other)
        {
            var byTime = other.At.CompareTo(At);
            var byRead = byTime != 0 ? byTime : IsRead.CompareTo(other.IsRead);
            var byLog = byRead != 0 ? byRead : string.CompareOrdinal(Log.Value, other.Log.Value);
            return byLog != 0 ? byLog : other.Seq.CompareTo(Seq);
        }
    }
}
