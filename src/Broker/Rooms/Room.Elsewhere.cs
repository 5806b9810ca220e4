using WebMessenger.Auth.Accounts;

namespace WebMessenger.Broker.Rooms;

/// <content>Who is here with other nodes. What is heard is memory's alone: the thread that numbers calls it.</content>
internal sealed partial class Room
{
    /// <inheritdoc cref="RoomPeople.HeardHere"/>
    public void HeardHere(Account account, string node, PresentNote note, DateTimeOffset? goneAt)
    {
        lock (Gate)
        {
            if (!_isDeleted)
            {
                _people.HeardHere(account, node, note, goneAt);
            }
        }
    }

    /// <inheritdoc cref="RoomPeople.HeardGone"/>
    public void HeardGone(string accountId, string node)
    {
        lock (Gate)
        {
            _people.HeardGone(accountId, node);
        }
    }

    /// <inheritdoc cref="RoomPeople.HeardSaid"/>
    public void HeardSaid(string accountId, PresentNote? note)
    {
        lock (Gate)
        {
            _people.HeardSaid(accountId, note);
        }
    }

    /// <inheritdoc cref="SharedPresence.WriteAgain"/>
    public void WriteHereAgain(string accountId)
    {
        lock (Gate)
        {
            if (!_isDeleted)
            {
                _people.WriteHereAgain(accountId);
            }
        }
    }

    /// <inheritdoc cref="SharedPresence.TrySay"/>
    public bool TrySay(SharedPresence shared, Announcement announcement)
    {
        lock (Gate)
        {
            return shared.TrySay(announcement);
        }
    }

    /// <inheritdoc cref="SharedPresence.TakeBack"/>
    public void TakeBack(SharedPresence shared, Announcement announcement)
    {
        lock (Gate)
        {
            shared.TakeBack(announcement);
        }
    }

    /// <summary>Some of those whom an event was to name were named by another node: it is said of the others.</summary>
    public void SayWhoIsLeft(Announcement announcement)
    {
        lock (Gate)
        {
            _people.SayWhoIsLeft(announcement);
        }
    }
}
