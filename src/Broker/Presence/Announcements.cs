using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Presence;

/// <summary>
/// Decides which joins and leaves of one room are said at once. Over 50 in a second they are gathered until the second is over, so that a rush of a thousand
/// people is a few events and not a thousand times a thousand deliveries; who came and went meanwhile is not mentioned.
/// </summary>
/// <remarks>Guarded by the room's gate. <see cref="EndOfSecond"/> is called by a sweep about once a second.</remarks>
internal sealed class Announcements
{
    private const int AtOncePerSecond = 50;
    private const int OthersPerEvent = 199;

    private readonly Dictionary<string, (EventType Type, Author Author)> _gathered = [];
    private int _saidThisSecond;

    public bool HasWork => _saidThisSecond > 0 || _gathered.Count > 0;

    /// <summary>Somebody came or went and it is not yet said.</summary>
    public bool IsGathering => _gathered.Count > 0;

    /// <summary>True: say it now. False: it is gathered.</summary>
    public bool MaySayNow(EventType type, Author author)
    {
        if (_gathered.Count == 0 && _saidThisSecond < AtOncePerSecond)
        {
            _saidThisSecond++;
            return true;
        }

        if (_gathered.TryGetValue(author.AccountId, out var earlier) && earlier.Type != type)
        {
            _gathered.Remove(author.AccountId);
        }
        else
        {
            _gathered[author.AccountId] = (type, author);
        }

        return false;
    }

    /// <summary>What was gathered, a few events at most: each a first account and the others.</summary>
    public IEnumerable<(EventType Type, Author First, Author[] Others)> EndOfSecond()
    {
        _saidThisSecond = 0;
        if (_gathered.Count == 0)
        {
            return [];
        }

        var events = _gathered.Values
            .GroupBy(entry => entry.Type, entry => entry.Author)
            .SelectMany(group => group.Chunk(OthersPerEvent + 1).Select(chunk => (group.Key, chunk[0], chunk[1..])))
            .ToList();
        _gathered.Clear();
        return events;
    }
}
