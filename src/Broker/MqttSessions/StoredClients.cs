using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>What the record store has of durable clients at a start: those that are kept on, and what is left of others.</summary>
internal sealed partial class StoredClients(
    IRecords records, LoginSessions sessions, AccountDirectory accounts, DataSpaces spaces, WaitingWills wills, bool isShared, TimeProvider time, ILogger logger)
{
    /// <summary>Reads all there is, and removes what belongs to nobody. Before anything is served.</summary>
    /// <param name="later">How much of the time since the server last ran counts for nobody (ADR 0039).</param>
    /// <returns>Those that are kept on, all of them away.</returns>
    public async Task<IReadOnlyList<DurableClient>> ReadAsync(TimeSpan later)
    {
        var received = records.ReadAll(DurableRecords.ReceivedPrefix)
            .Select(record => DurableRecords.ReadReceived(record.Key, record.Value))
            .ToLookup(record => (record.Account, record.ClientId));
        List<DurableClient> kept = [];
        List<RecordChange> gone = [];
        foreach (var (key, value) in records.ReadAll(DurableRecords.ClientsPrefix))
        {
            var (accountId, clientId) = DurableRecords.ReadClientKey(key);
            var position = () => DurableRecords.ReadPosition(
                records.Find(DurableRecords.PositionKey(accountId, clientId)),
                received[(accountId, clientId)].ToDictionary(publish => publish.PacketId, publish => publish.ContentHash));
            if (TryRead(accountId, clientId, value, position, later) is { } client)
            {
                client.Fence = isShared ? records.Find(DurableRecords.FenceKey(accountId, clientId)) : null;
                kept.Add(client);
            }
            else
            {
                gone.AddRange(DurableRecords.Removal(accountId, clientId, []));
            }
        }

        if (isShared)
        {
            // Another node may be about to write just that. Whoever has the duty ends what is over.
            return kept;
        }

        // Also what a publish left behind that was on its way when its client was ended.
        var keys = kept.Select(client => (client.Session.Account.Id, client.ClientId)).ToHashSet();
        gone.AddRange(received.Where(client => !keys.Contains(client.Key)).SelectMany(client => client)
            .Select(publish => new RecordChange(DurableRecords.ReceivedKey(publish.Account, publish.ClientId, publish.PacketId), null)));
        await records.WriteInPartsAsync(gone);
        return kept;
    }

    /// <summary>Where clients are in the data logs of rooms; removes what is of nobody, or of a room that is not his.</summary>
    public async Task ReadDataAsync(DurableIndex index, RoomDirectory rooms)
    {
        List<RecordChange> gone = [];
        foreach (var (key, value) in records.ReadAll(DurableRecords.DataPrefix))
        {
            var (accountId, clientId, roomKey) = DurableRecords.ReadDataKey(key);
            var room = rooms.FindByKey(roomKey);
            if (index.Find(accountId, clientId) is not { } client
                || room?.IsMember(accountId) != true
                || !client.Data.TryRestore(room, value))
            {
                gone.Add(new RecordChange(key, null));
            }
        }

        var groups = await ReadGroupsAsync(index, rooms, gone);
        foreach (var client in index.Everybody)
        {
            client.Data.StandIn(client.Session, client.Filters, rooms);

            // An id that stands in both was acknowledged to the room's events: data got it after that, and its record is written first.
            var ofData = client.Data.All.SelectMany(cursor => cursor.Sent).Select(sent => sent.PacketId).ToHashSet();
            if (ofData.Count > 0)
            {
                var others = client.Position.Unacknowledged.Where(sent => !ofData.Contains(sent.PacketId));
                client.Position = client.Position with { Unacknowledged = [.. others] };
            }
        }

        // Of groups that nobody holds any more, too.
        await records.WriteInPartsAsync([.. gone, .. groups.SelectMany(some => some.TakeUnheld())]);
    }

    // Where groups were: each takes its record when somebody holds it again.
    private async Task<IReadOnlyCollection<DataGroups>> ReadGroupsAsync(DurableIndex index, RoomDirectory rooms, List<RecordChange> gone)
    {
        HashSet<DataGroups> groups = [];
        foreach (var (key, value) in records.ReadAll(DataGroupName.RecordsPrefix))
        {
            if (DataGroupName.ReadKey(key) is { } group && rooms.FindByKey(group.RoomKey) is { } room)
            {
                Restore(spaces.Of(room).Groups, group.Name, group.Filter, value);
            }
            else
            {
                gone.Add(new RecordChange(key, null));
            }
        }

        await OpenSharedAsync(index, rooms);
        foreach (var (key, value) in records.ReadAll(SharedTalk.RecordsPrefix))
        {
            // In another life of the log its seqs mean other events.
            if (SharedTalk.ReadKey(key) is { } group
                && rooms.FindByKey(group.RoomKey) is { IsLogOpen: true } room
                && room.LogHead.Epoch == group.Epoch)
            {
                Restore(spaces.Of(room).Talk.Groups, group.Name, DataFilter.All.Text, value);
            }
            else
            {
                gone.Add(new RecordChange(key, null));
            }
        }

        return groups;

        void Restore(DataGroups some, DataGroupName name, string filter, byte[] record)
        {
            if (!DataCursorRecord.TryRead(record, out _))
            {
                LogUnreadableGroup(logger, name.Share, filter);
            }

            // Also then: without a holder it goes, and with one it begins with what comes.
            some.Restore(name, filter, record);
            groups.Add(some);
        }
    }

    // Whoever shares the talk of a room stands in its log: the heads of these are in memory.
    private static async Task OpenSharedAsync(DurableIndex index, RoomDirectory rooms)
    {
        foreach (var client in index.Everybody)
        {
            foreach (var held in client.Filters.Where(held => held.Filter is { Group: not null, Data: null }))
            {
                foreach (var room in rooms.CoveredBy(held.Filter, client.Session.Account.Id))
                {
                    try
                    {
                        await room.OpenAsync();
                    }
                    catch (IOException)
                    {
                        // The operator has heard of it from the log; the group begins anew when it can be read.
                    }
                }
            }
        }
    }

    // Null: its time is over, its account or login session is gone, or nobody can read what is stored of it.
    private DurableClient? TryRead(string accountId, string clientId, byte[] value, Func<DurablePosition> position, TimeSpan later)
    {
        try
        {
            var record = DurableRecords.ReadClient(value);
            var where = position();
            var leftAt = record.LeftAt + later ?? time.GetUtcNow();

            // One whose time is over, and whose will has not been said, is ended by the sweep, which says it.
            if ((leftAt.AddSeconds(record.Expiry) > time.GetUtcNow() || record.Will is not null || isShared)
                && accounts.Find(accountId) is { } account
                && sessions.Restore(account, SessionName.ClientIdOf(clientId), record.Session) is { } session)
            {
                DurableClient client = new(clientId, session, spaces)
                {
                    Expiry = record.Expiry,
                    LeftAt = leftAt,
                    Filters = [.. record.Filters.Select(filter => filter.ToFilter()).OfType<HeldFilter>()],
                    Position = where,
                    Will = record.Will,
                    Node = record.Node,
                };
                if (client.Node is null)
                {
                    wills.WaitAfterStart(client);
                }

                return client;
            }
        }
        catch (JsonException error)
        {
            LogUnreadable(logger, SessionName.ClientIdOf(clientId), error.Message);
        }

        return null;
    }

    [LoggerMessage(3042, LogLevel.Error, "Where the group {Share} of {Filter} is cannot be read, so it begins with what comes")]
    private static partial void LogUnreadableGroup(ILogger logger, string share, string filter);

    [LoggerMessage(3041, LogLevel.Error, "What was kept of the durable client {ClientId} cannot be read, so it begins anew: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string clientId, string reason);
}
