using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Rooms;

/// <summary>How far one client was told who is here.</summary>
/// <remarks>
/// Nothing is queued: a client that takes nothing is told later, from what <see cref="ToldPeople"/> keeps, and what that keeps no
/// more is replaced by the list anew. Belongs to the room's worker.
/// </remarks>
/// <param name="number">The number that the client has, or needs none before.</param>
internal sealed class PeopleFeed(long number)
{
    private long _number = number;
    private PeopleList? _list;
    private int _part;

    // How the SUBSCRIBE that asks for the list wants its packets; null: none did.
    private Wants? _asked;

    /// <summary>There is more to be said to it than it took.</summary>
    public bool IsBehind(ToldPeople told) => _list is not null || _number < told.Number;

    /// <summary>The client has just subscribed.</summary>
    public void Begin(ToldPeople told, Wants asked) => (_list, _part, _asked) = (told.List(), 0, asked);

    /// <summary>
    /// Writes what is due, as far as the client takes it now.
    /// A list that nobody asked for goes out a part a second, so that no room is flooded with it. False: nothing was written.
    /// </summary>
    public bool TrySay(ToldPeople told, Subscriber subscriber, Wants wants, List<IMember> touched)
    {
        if (!subscriber.Member.KeepsUp)
        {
            return false;
        }

        if (_list is null && _number + 1 < told.Oldest)
        {
            (_list, _part, _asked) = (told.List(), 0, null);
        }
        else if (_list is not null && _part == 0 && _list.Number < told.Number)
        {
            // It could not begin before, and is old by now.
            _list = told.List();
        }

        var hasSaid = false;
        if (_list is { } list)
        {
            var parts = _asked is null ? list.Unasked : list.Asked;
            do
            {
                if (!subscriber.Member.TryDeliver(subscriber, parts[_part], _asked ?? wants, touched))
                {
                    return hasSaid;
                }

                hasSaid = true;
            }
            while (++_part < parts.Length && _asked is not null);

            if (_part < parts.Length)
            {
                return hasSaid;
            }

            (_number, _list, _asked) = (list.Number, null, null);
        }

        // Where more changes were missed meanwhile than are kept, it begins anew in the next second.
        while (_number < told.Number
            && _number + 1 >= told.Oldest
            && subscriber.Member.TryDeliver(subscriber, told.Change(_number + 1), wants, touched))
        {
            _number++;
            hasSaid = true;
        }

        return hasSaid;
    }
}
