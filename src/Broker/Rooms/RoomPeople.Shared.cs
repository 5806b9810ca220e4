using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <content>Who is here with other nodes.</content>
internal sealed partial class RoomPeople
{
    /// <summary>Another node has the account here.</summary>
    /// <param name="goneAt">When the grace time of that node's people is over; null: it is there.</param>
    public void HeardHere(Account account, string node, PresentNote note, DateTimeOffset? goneAt)
    {
        if (_presence.Heard(account, node, note.Kind, note.Since, goneAt) is { } present)
        {
            Came(present);
        }
    }

    /// <summary>Another node has the account here no more.</summary>
    public void HeardGone(string accountId, string node)
    {
        if (_presence.HeardGone(accountId, node) is { } present)
        {
            Went(present);
        }
    }

    /// <summary>Another node has said join for the account; null: leave.</summary>
    public void HeardSaid(string accountId, PresentNote? note)
    {
        Shared?.HeardSaid(accountId, note);
        if (note is null && _presence.Find(accountId) is { IsHere: true, Clients: > 0 } present)
        {
            // It was gone for a moment, as the other node saw it.
            SayJoin(present);
        }
    }

    /// <inheritdoc cref="SharedPresence.WriteAgain"/>
    public void WriteHereAgain(string accountId) => Shared?.WriteAgain(accountId);

    /// <inheritdoc cref="Room.SayWhoIsLeft"/>
    public void SayWhoIsLeft(Announcement announcement)
    {
        if (Shared?.StillDue(announcement) is { } due)
        {
            Say(due);
        }
    }

    // What other nodes have left behind.
    private void Sweep(SharedPresence shared)
    {
        foreach (var gone in shared.EndOfDead(time.GetUtcNow()))
        {
            Went(gone);
            SayGone(gone);
        }

        foreach (var author in shared.Unsaid(time.GetUtcNow()))
        {
            Say(new Announcement(EventType.Leave, author, [], 0), payer: null);
        }
    }

    // Two nodes gave the last place away in the same moment: whoever came last waits for the next one.
    private List<string> EndOfTooMany(SharedPresence shared)
    {
        var late = shared.TooMany(room.Record.Policy.Capacity, time.GetUtcNow());
        foreach (var present in late)
        {
            _presence.TakeOut(present);
            SayLeave(present);
        }

        return late.ConvertAll(present => present.Account.Id);
    }
}
