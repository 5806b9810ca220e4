using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Webhooks;

/// <summary>The webhooks of rooms: made, switched and removed by moderators.</summary>
/// <remarks>
/// Records `webhook/{room key}/{id}`, in memory, too: each event of a room asks for them. Thread-safe. The changes of one room are in
/// order. Those that write fail with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed class RoomWebhooks(IRecords records, IEventLog log, RunLogs runs, BrokerLimits limits, TimeProvider time, ITurns? nodeTurns = null) : IRoomRecords, IAccountRecords
{
    // By room key, the oldest first; changed in the turn of the room.
    private readonly ConcurrentDictionary<string, Webhook[]> _rooms = new();
    private readonly AccountTurns _turns = AccountTurns.Of(nodeTurns, "webhooks/");

    // Entered before the turn of a room: what an account has in all rooms is counted and added to in order.
    private readonly AccountTurns _makers = AccountTurns.Of(nodeTurns, "webhooksof/");

    /// <summary>The last of a room, by its key, has gone. The subscriber does not block.</summary>
    public event Action<string>? Emptied;

    public IReadOnlyList<Webhook> Of(string roomKey) => _rooms.GetValueOrDefault(roomKey) ?? [];

    /// <summary>As it is enumerated, without a lock.</summary>
    public IEnumerable<Webhook> All => _rooms.SelectMany(room => room.Value);

    public Webhook? Find(string roomKey, string id) => Of(roomKey).FirstOrDefault(one => one.Id == id);

    /// <summary>Before anything is served. Reads the disk.</summary>
    public void Restore()
    {
        foreach (var webhook in records.ReadAll(Webhook.Prefix).Select(record => Webhook.Read(record.Key, record.Value)).OfType<Webhook>())
        {
            Keep(webhook);
        }
    }

    /// <summary>It was made, changed or removed by another node.</summary>
    public void Heard(RecordChange change)
    {
        if (change.Value is { } value && Webhook.Read(change.Key, value) is { } webhook)
        {
            Keep(webhook);
        }
        else if (Encoding.ASCII.GetString(change.Key).Split('/') is [_, var room, var id])
        {
            Forget(room, id);
        }
    }

    public async Task<(BotChange Change, Webhook? Webhook)> MakeAsync(Room room, Account by, string name, Uri url)
    {
        using var mine = await _makers.EnterAsync(by.Id);
        using var all = await _turns.EnterAsync(room.Key);

        // Who deletes the room is alone with it: what was made before goes with it.
        using var turn = await room.Turns.ShareAsync();
        if (!RoomPolicy.MayKeepBots(room, by))
        {
            return (room.IsDeleted ? BotChange.NotFound : BotChange.NotAllowed, null);
        }

        if (/* guard: webhooks of a room */ limits.WebhooksPerRoom > 0 && Of(room.Key).Count >= limits.WebhooksPerRoom)
        {
            return (BotChange.TooMany, null);
        }

        if (HasAll(by))
        {
            return (BotChange.TooManyOfAccount, null);
        }

        // What was said before it was made is not told.
        var head = log.Head(room.Log);
        Webhook webhook = new(Webhook.NewId(), room.Key, name, url, by.Id, time.GetUtcNow(), Webhook.NewSecret(), new WebhookPlace(head.Head, head.Epoch));
        await StoreAsync(webhook);
        return (BotChange.Done, webhook);
    }

    /// <summary>Told again from where it was left off. Who switches it on is its maker from then on.</summary>
    public async Task<BotChange> SwitchOnAsync(Room room, Account by, string id)
    {
        using var mine = await _makers.EnterAsync(by.Id);
        return await InTurnAsync(room, by, id, async webhook =>
        {
            if (webhook.Maker != by.Id && HasAll(by))
            {
                return BotChange.TooManyOfAccount;
            }

            await StoreAsync(webhook with { Maker = by.Id, Place = webhook.Place with { IsOff = false, FailingSince = null } });
            return BotChange.Done;
        });
    }

    public Task<BotChange> RemoveAsync(Room room, Account by, string id) => InTurnAsync(room, by, id, async webhook =>
    {
        await RemoveAsync(webhook);
        return BotChange.Done;
    });

    /// <summary>It has come so far. Null: it was removed meanwhile.</summary>
    public Task<Webhook?> MoveAsync(Webhook webhook, WebhookPlace place) => MoveAsync(webhook, _ => place);

    /// <param name="move">From the place that it has come to by then: a moderator may have switched it on meanwhile.</param>
    public async Task<Webhook?> MoveAsync(Webhook webhook, Func<WebhookPlace, WebhookPlace> move)
    {
        using var all = await _turns.EnterAsync(webhook.Room);
        if (Find(webhook.Room, webhook.Id) is not { } known)
        {
            return null;
        }

        var moved = known with { Place = move(known.Place) };
        await StoreAsync(moved);
        return moved;
    }

    public async Task ForgetRoomAsync(string roomKey)
    {
        using var all = await _turns.EnterAsync(roomKey);
        foreach (var webhook in Of(roomKey))
        {
            await RemoveAsync(webhook);
        }

        // Of a room that an earlier run of the program deleted.
        await records.WriteInPartsAsync(records.ReadAll(Webhook.PrefixOf(roomKey)).Select(record => new RecordChange(record.Key, null)));
    }

    async Task IAccountRecords.ForgetAsync(string accountId)
    {
        foreach (var webhook in All.Where(one => one.Maker == accountId).ToList())
        {
            using var all = await _turns.EnterAsync(webhook.Room);

            // Somebody else may have switched it on before the turn: it is his.
            if (Find(webhook.Room, webhook.Id) is { } still && still.Maker == accountId)
            {
                await RemoveAsync(still);
            }
        }
    }

    private bool HasAll(Account maker) =>
        /* guard: webhooks of an account */ limits.WebhooksPerAccount > 0 && All.Count(one => one.Maker == maker.Id) >= limits.WebhooksPerAccount;

    private async Task StoreAsync(Webhook webhook)
    {
        await records.WriteAsync([new RecordChange(webhook.Key, webhook.Value())]);
        Keep(webhook);
    }

    private async Task RemoveAsync(Webhook webhook)
    {
        await records.WriteAsync([new RecordChange(webhook.Key, null), runs.Removal(webhook.Room, webhook.Id)]);
        Forget(webhook.Room, webhook.Id);
    }

    private void Forget(string room, string id)
    {
        Webhook[] left = [.. Of(room).Where(one => one.Id != id)];
        if (left.Length > 0)
        {
            _rooms[room] = left;
        }
        else if (_rooms.TryRemove(room, out _))
        {
            Emptied?.Invoke(room);
        }
    }

    private void Keep(Webhook webhook) => _rooms[webhook.Room] =
        [.. Of(webhook.Room).Where(one => one.Id != webhook.Id).Append(webhook).OrderBy(one => one.At).ThenBy(one => one.Id, StringComparer.Ordinal)];

    private async Task<BotChange> InTurnAsync(Room room, Account by, string id, Func<Webhook, Task<BotChange>> work)
    {
        using var all = await _turns.EnterAsync(room.Key);
        using var turn = await room.Turns.ShareAsync();
        if (!RoomPolicy.MayKeepBots(room, by))
        {
            return room.IsDeleted ? BotChange.NotFound : BotChange.NotAllowed;
        }

        if (Find(room.Key, id) is not { } webhook)
        {
            return BotChange.NotFound;
        }

        return await work(webhook);
    }
}
