using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>Where clients that are kept are in a room that their account came into or lost.</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>.</remarks>
/// <param name="isShared">Several nodes have all clients in memory, and may do the same.</param>
internal sealed class DurablePlaces(DurableIndex index, DurableWrites writes, bool isShared)
{
    /// <summary>For the account's clients that are away the room begins now.</summary>
    /// <returns>Completes when that is on disk. Nobody need look at it in a house of one.</returns>
    public Task Begin(string accountId, Room room)
    {
        // Lost again meanwhile? Then what that took away must not come back.
        if (!room.IsMember(accountId))
        {
            return Task.CompletedTask;
        }

        List<Task> written = [];
        foreach (var client in index.Away(accountId))
        {
            client.Data.StandIn(client.Session, client.Filters, room);
            if (client.Filters.Any(filter => filter.QualityOfService > 0 && filter.Filter.Events && filter.Filter.CoversRoom(room.Id.Value)))
            {
                var head = room.LogHead;
                if (client.Position.Cursors.TryAdd(room.Log, new LogCursor(head.Epoch, head.Head)))
                {
                    // Handed over before anything that is said from here on, so no crash keeps that and loses this.
                    // The sweep writes it again, should this fail.
                    var saved = writes.Save(client, client.Position);
                    written.Add(saved);
                    writes.Watch(saved);
                    writes.Note(client);
                }
            }
        }

        return Task.WhenAll(written);
    }

    /// <summary>Whether the account is not in the room of the client's mount any more.</summary>
    public static bool HasLostMount(DurableClient client, RoomDirectory rooms) =>
        SessionName.MountOf(client.ClientId) is { } mount && rooms.Find(mount)?.IsMember(client.Session.Account.Id) != true;

    /// <summary>What the account's clients had of the room is forgotten. Completes when that is on disk.</summary>
    /// <param name="isHeard">Of those that are away another node writes.</param>
    public Task ForgetAsync(string accountId, Room room, bool isHeard = false)
    {
        List<Task> written = [];
        foreach (var client in isHeard ? [] : index.Away(accountId))
        {
            var position = client.Position;
            if (isShared && !HasAnythingOf(client, position, room))
            {
                continue;
            }

            position.Cursors.Remove(room.Log);
            client.Position = position with { Unacknowledged = [.. position.Unacknowledged.Where(sent => sent.Log != room.Log)] };
            client.Filters = [.. client.Filters.Where(filter => filter.Filter.Room != room.Id.Value || filter.Filter.IsInfoOnly)];
            written.Add(writes.Save(client, client.Position));
            written.Add(writes.LoseData(client, room));

            // The sweep writes it again, should this fail.
            writes.Note(client);
        }

        foreach (var client in index.OfAccount(accountId).Where(client => client.Connection is not null))
        {
            written.Add(writes.Save(client, client.Connection!.Position()));
            written.Add(writes.LoseData(client, room));
        }

        return Task.WhenAll(written);
    }

    private static bool HasAnythingOf(DurableClient client, DurablePosition position, Room room) =>
        position.Cursors.ContainsKey(room.Log) || position.Unacknowledged.Any(sent => sent.Log == room.Log)
        || client.Filters.Any(filter => filter.Filter.Room == room.Id.Value && !filter.Filter.IsInfoOnly);

    /// <summary>
    /// Forgets of a client that was read from the store what it has of rooms that its account is not in:
    /// the program was killed between a kick and what is kept.
    /// </summary>
    /// <returns>Whether there was something. It is on disk still.</returns>
    public static bool LeaveOut(DurableClient client, RoomDirectory rooms)
    {
        var position = client.Position;
        List<LogName> lost = [.. position.Cursors.Keys.Concat(position.Unacknowledged.Select(sent => sent.Log)).Distinct().Where(HasLost)];
        List<HeldFilter> filters = [.. client.Filters.Where(held =>
            held.Filter.IsInfoOnly || held.Filter.Room is not { } id || IsIn(rooms.Find(id)))];
        if (/* guard: at a start nobody has anything of a room he is not in */ lost.Count == 0 && filters.Count == client.Filters.Count)
        {
            return false;
        }

        lost.ForEach(log => position.Cursors.Remove(log));
        client.Position = position with { Unacknowledged = [.. position.Unacknowledged.Where(sent => !lost.Contains(sent.Log))] };
        client.Filters = filters;
        return true;

        bool HasLost(LogName log) => log.RoomKey is { } key && !IsIn(rooms.FindByKey(key));

        bool IsIn(Room? room) => room?.IsMember(client.Session.Account.Id) == true;
    }
}
