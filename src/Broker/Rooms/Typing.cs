using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who is writing: told to those who hear it, with this node and the others, and stored nowhere.</summary>
/// <remarks>
/// Thread-safe. To other nodes it goes as `r/{room key}/{account}`, or `c/{whom it is written to}/{account}`. Whether it may be told is
/// looked at again where it is delivered. It may be lost.
/// </remarks>
internal sealed class Typing(RoomDirectory rooms, Conversations conversations, AccountDirectory accounts, INodeLinks links)
{
    private const string InRooms = "r";
    private const string InConversations = "c";

    /// <summary>Before the other nodes are met.</summary>
    public void Connect() => links.Hear(NodeTopic.Typing, (_, message) => Heard(Encoding.ASCII.GetString(message.Span)));

    /// <param name="publisher">Its client, which may count on no echo.</param>
    public void Types(Account by, Room room, IMember publisher)
    {
        room.Enqueue(new TypingNote(room, publisher, by.UserName));
        Tell(InRooms, room.Key, by);
    }

    /// <returns>False: it is told to nobody, who may be nobody for the account.</returns>
    public bool Types(Account by, PublishTarget target)
    {
        if (!conversations.Types(by, target))
        {
            return false;
        }

        Tell(InConversations, target.Recipient!.Id, by);
        return true;
    }

    private void Tell(string where, string name, Account by)
    {
        if (links.Others.Count > 0)
        {
            links.Tell(NodeTopic.Typing, Encoding.ASCII.GetBytes($"{where}/{name}/{by.Id}"));
        }
    }

    // What a newer version may say as well is left alone.
    private void Heard(string message)
    {
        if (message.Split('/') is not [var where, var name, var accountId] || accounts.Find(accountId) is not { } by || Conversations.IsGone(by))
        {
            return;
        }

        if (where == InRooms && rooms.FindByKey(name) is { } room && (/* guard: who writes is a member, on each node */ room.IsMember(accountId)))
        {
            room.Enqueue(new TypingNote(room, publisher: null, by.UserName));
        }
        else if (where == InConversations && accounts.Find(name) is { } to && rooms.FindInbox(name) is { } inbox)
        {
            conversations.Types(by, to, inbox);
        }
    }
}
