using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Rooms;

/// <summary>The second's turn of `rooms/{room}/people`: what has changed, and what could not be said before.</summary>
/// <param name="news">Null: nothing has changed.</param>
internal sealed class PeopleTurn(PeopleNews? news) : IStreamTask
{
    public bool MayWait => true;

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        var room = (Room)stream;
        var told = room.ToldPeople;
        var before = told.Number;
        if (news is not null)
        {
            told.Say(news);
        }

        var isLeft = false;
        foreach (var subscriber in stream.Subscribers)
        {
            if (subscriber.People is { } wants)
            {
                // Who asked for no list hears the changes.
                var feed = (PeopleFeed)(subscriber.Place.Feed ??= new PeopleFeed(before));
                feed.TrySay(told, subscriber, wants, touched);
                isLeft |= feed.IsBehind(told);
            }
        }

        if (isLeft)
        {
            room.PeopleAreOwed();
        }
    }
}

/// <summary>Who is here, to one client that has just subscribed.</summary>
/// <param name="filter">That it subscribed with; null: the rest of a list that is longer than the client's socket took at once.</param>
internal sealed class PeopleReplay(IMember member, HeldFilter? filter) : IStreamTask
{
    public bool MayWait => true;

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        var room = (Room)stream;
        if (stream.SubscriberOf(member) is not { People: { } wants } subscriber || !RoomPolicy.MayHear(room, member.Account))
        {
            return;
        }

        var told = room.ToldPeople;
        var feed = (PeopleFeed)(subscriber.Place.Feed ??= new PeopleFeed(told.Number));
        if (filter is not null)
        {
            feed.Begin(told, Wants.Of([filter], _ => true)!);
        }

        var hasSaid = feed.TrySay(told, subscriber, wants, touched);
        if (!feed.IsBehind(told))
        {
            return;
        }

        if (hasSaid)
        {
            stream.Enqueue(new PeopleReplay(member, null));
        }
        else
        {
            room.PeopleAreOwed();
        }
    }
}
