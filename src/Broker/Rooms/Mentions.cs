using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>Finds whom a text names: members of the room it is said in, and with `@room` everybody.</summary>
/// <remarks>Looks at memory alone, and at a text without `@` not at all: a thread that serves sockets asks.</remarks>
internal sealed class Mentions(AccountDirectory accounts, TimeProvider time)
{
    /// <summary>So many are named by one message. Whoever comes after is text.</summary>
    public const int MostPerMessage = 20;

    private const string Everyone = "room";

    /// <summary>Null: nobody.</summary>
    public Named? Find(Room room, Account author, string text)
    {
        if (!text.Contains('@', StringComparison.Ordinal))
        {
            return null;
        }

        var (users, asksForAll) = Look(room, text);
        var isEveryone = asksForAll && RoomPolicy.MayCallEveryone(room, author) && room.EveryoneCalls.TryTake(time.GetUtcNow());
        return users.Count == 0 && !isEveryone ? null : new Named(users, isEveryone);
    }

    /// <summary>The same of a text that takes the place of another: everybody is called by what is said, and by no edit.</summary>
    public IReadOnlyList<string> FindUsers(Room room, string text) => Look(room, text).Users;

    private (List<string> Users, bool AsksForAll) Look(Room room, string text)
    {
        List<string> users = [];
        var asksForAll = false;
        foreach (var written in NamesInText.Of(text))
        {
            foreach (var name in NamesInText.Readings(written))
            {
                if (name == Everyone)
                {
                    asksForAll = true;
                    break;
                }

                if (accounts.FindByUserName(name) is { IsErased: false } account && /* guard: only who is in the room is named */ room.IsMember(account.Id))
                {
                    if (!users.Contains(name) && /* guard: how many a message names */ users.Count < MostPerMessage)
                    {
                        users.Add(name);
                    }

                    break;
                }
            }
        }

        return (users, asksForAll);
    }
}

/// <summary>How often `@room` calls everybody of a room: once in ten minutes. In memory: after a restart it begins anew.</summary>
internal sealed class EveryoneCalls
{
    public static TimeSpan Apart { get; } = TimeSpan.FromMinutes(10);

    private long _before;
    private long _last;

    /// <summary>False: it is too early.</summary>
    public bool TryTake(DateTimeOffset now)
    {
        var last = Volatile.Read(ref _last);
        if (/* guard: how often everybody is called */ last != 0 && now.UtcTicks - last < Apart.Ticks)
        {
            return false;
        }

        if (Interlocked.CompareExchange(ref _last, now.UtcTicks, last) != last)
        {
            return false;
        }

        Volatile.Write(ref _before, last);
        return true;
    }

    /// <summary>Everybody was called by a message of another node. Never blocks.</summary>
    public void Called(DateTimeOffset at)
    {
        // Also before: what is given back by a message of this node is not that call.
        Volatile.Write(ref _before, Math.Max(Volatile.Read(ref _before), at.UtcTicks));
        Volatile.Write(ref _last, Math.Max(Volatile.Read(ref _last), at.UtcTicks));
    }

    /// <summary>The message that was to call everybody was not stored.</summary>
    public void GiveBack() => Volatile.Write(ref _last, Volatile.Read(ref _before));
}
