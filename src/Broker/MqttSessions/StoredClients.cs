using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>What the record store has of durable clients at a start: those that are kept on, and what is left of others.</summary>
internal sealed partial class StoredClients(
    IRecords records, LoginSessions sessions, AccountDirectory accounts, WaitingWills wills, TimeProvider time, ILogger logger)
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
                kept.Add(client);
            }
            else
            {
                gone.AddRange(DurableRecords.Removal(accountId, clientId, []));
            }
        }

        // Also what a publish left behind that was on its way when its client was ended.
        var keys = kept.Select(client => (client.Session.Account.Id, client.ClientId)).ToHashSet();
        gone.AddRange(received.Where(client => !keys.Contains(client.Key)).SelectMany(client => client)
            .Select(publish => new RecordChange(DurableRecords.ReceivedKey(publish.Account, publish.ClientId, publish.PacketId), null)));
        await records.WriteInPartsAsync(gone);
        return kept;
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
            if ((leftAt.AddSeconds(record.Expiry) > time.GetUtcNow() || record.Will is not null)
                && accounts.Find(accountId) is { } account
                && sessions.Restore(account, clientId, record.Session) is { } session)
            {
                DurableClient client = new(clientId, session)
                {
                    Expiry = record.Expiry,
                    LeftAt = leftAt,
                    Filters = [.. record.Filters.Select(filter => filter.ToFilter()).OfType<HeldFilter>()],
                    Position = where,
                    Will = record.Will,
                };
                wills.WaitAfterStart(client);
                return client;
            }
        }
        catch (JsonException error)
        {
            LogUnreadable(logger, clientId, error.Message);
        }

        return null;
    }

    [LoggerMessage(3041, LogLevel.Error, "What was kept of the durable client {ClientId} cannot be read, so it begins anew: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string clientId, string reason);
}
