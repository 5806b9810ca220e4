using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Presence;

/// <summary>
/// After a restart: whoever's last word in a room's log is `join` was here when the server stopped, and has a minute to come back before `leave` is said.
/// </summary>
/// <remarks>Looks at the newest events of each room only, so that a start does not depend on how much is stored.</remarks>
internal sealed class PresenceMemory(RoomDirectory rooms, IRoomLog log, AccountDirectory accounts)
{
    private const int PageLength = 1000;
    private const int EventsPerRoom = 10_000;

    public Task RestoreAsync() => Task.Run(() =>
    {
        foreach (var room in rooms.All)
        {
            Restore(room);
        }
    });

    private void Restore(Room room)
    {
        HashSet<string> decided = [];
        var before = long.MaxValue;
        for (var seen = 0; seen < EventsPerRoom;)
        {
            var page = log.ReadBefore(room.Log, before, PageLength);
            for (var i = page.Entries.Count - 1; i >= 0; i--)
            {
                var entry = page.Entries[i];
                foreach (var author in EventBody.PresenceOf(entry.Author, entry.Body))
                {
                    // The others of a rush are known by name only.
                    var account = author.AccountId.Length > 0 ? accounts.Find(author.AccountId) : accounts.FindByUserName(author.User);
                    if (account is not null && decided.Add(account.Id) && EventBody.TypeOf(entry.Body.Span) == EventType.Join)
                    {
                        room.ExpectBack(account, author.Kind, entry.At);
                    }
                }
            }

            seen += page.Entries.Count;
            if (page.Entries.Count < PageLength)
            {
                return;
            }

            before = page.Entries[0].Seq;
        }
    }
}
