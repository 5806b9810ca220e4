using System.Security.Cryptography;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Hooks;

/// <summary>What became of making a hook, rule or webhook, or of changing one.</summary>
internal enum BotChange
{
    Done,

    /// <summary>There is no such one in the room, or no room any more.</summary>
    NotFound,

    /// <summary>Who asks is no moderator of the room.</summary>
    NotAllowed,

    /// <summary>The room has as many as it may.</summary>
    TooMany,

    /// <summary>Who asks has as many as an account may, in all rooms.</summary>
    TooManyOfAccount,
}

/// <summary>The hooks of rooms: made, changed, renewed and removed by moderators.</summary>
/// <remarks>
/// Records `hook/{room key}/{id}`, and `hooksecret/{SHA-256}` by which a call finds its hook: nothing is in memory, and no secret on disk.
/// Thread-safe. The changes of one room are in order. Those that write fail with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed class RoomHooks(IRecords records, RunLogs runs, BrokerLimits limits, TimeProvider time, ITurns? nodeTurns = null) : IRoomRecords, IAccountRecords
{
    private readonly AccountTurns _turns = AccountTurns.Of(nodeTurns, "hooks/");

    /// <summary>Reads the disk.</summary>
    public IReadOnlyList<Hook> Of(string roomKey) =>
        [.. records.ReadAll(Hook.PrefixOf(roomKey)).Select(record => Hook.Read(record.Key, record.Value)).OfType<Hook>().OrderBy(hook => hook.At)];

    /// <summary>Reads the disk.</summary>
    public Hook? Find(string roomKey, string id) => Hook.Key(roomKey, id) is var key && records.Find(key) is { } value ? Hook.Read(key, value) : null;

    /// <summary>The hook whose secret this is; null: nobody's. Reads the disk.</summary>
    public Hook? FindBySecret(string? secret)
    {
        // By its hash: how long the look-up takes tells of the hash of a guess, which leads nowhere.
        if (!SecretHash.TryOf(secret, out var hash)
            || records.Find(Hook.SecretKey(hash)) is not { } key
            || records.Find(key) is not { } value
            || Hook.Read(key, value) is not { } hook)
        {
            return null;
        }

        return CryptographicOperations.FixedTimeEquals(hook.Secret.ToBytes(), hash.ToBytes()) ? hook : null;
    }

    /// <returns>The hook and its secret, which is nowhere else; null where there is none.</returns>
    public async Task<(BotChange Change, Hook? Hook, string? Secret)> MakeAsync(Room room, Account by, string name, string? template)
    {
        using var all = await _turns.EnterAsync(room.Key);

        // Who deletes the room is alone with it: what was made before goes with it.
        using var turn = await room.Turns.ShareAsync();
        if (!RoomPolicy.MayKeepBots(room, by))
        {
            return (room.IsDeleted ? BotChange.NotFound : BotChange.NotAllowed, null, null);
        }

        if (/* guard: hooks of a room */ limits.HooksPerRoom > 0 && Of(room.Key).Count >= limits.HooksPerRoom)
        {
            return (BotChange.TooMany, null, null);
        }

        var secret = Hook.NewSecret();
        Hook hook = new(Hook.NewId(), room.Key, name, by.Id, time.GetUtcNow(), template, SecretHash.Of(secret));
        await records.WriteAsync(ChangesTo(hook));
        return (BotChange.Done, hook, secret);
    }

    /// <summary>Another name or template, for whoever may; by the maker's right, as before.</summary>
    public Task<BotChange> ChangeAsync(Room room, Account by, string id, Func<Hook, Hook> change) =>
        InTurnAsync(room, by, id, async hook => await records.WriteAsync([new RecordChange(Hook.Key(room.Key, id), change(hook).Value())]));

    /// <summary>
    /// Another secret: the one before opens nothing from here on. Who renews it is its maker from then on: so a hook whose maker may no
    /// more works again.
    /// </summary>
    public async Task<(BotChange Change, string? Secret)> RenewAsync(Room room, Account by, string id)
    {
        var secret = Hook.NewSecret();
        var change = await InTurnAsync(room, by, id, async hook =>
        {
            var renewed = hook with { Secret = SecretHash.Of(secret), Maker = by.Id };
            var key = Hook.Key(room.Key, id);
            await records.WriteAsync([new RecordChange(Hook.SecretKey(hook.Secret), null), MakerIndex.Gone(hook.Maker, key), .. ChangesTo(renewed)]);
        });
        return (change, change == BotChange.Done ? secret : null);
    }

    public Task<BotChange> RemoveAsync(Room room, Account by, string id) =>
        InTurnAsync(room, by, id, async hook => await records.WriteAsync(RemovalsOf(hook)));

    public async Task ForgetRoomAsync(string roomKey)
    {
        using var all = await _turns.EnterAsync(roomKey);

        // By their keys: also what this version cannot read. A room ends seldom, and secrets are few.
        var prefix = Hook.PrefixOf(roomKey);
        var makers = Of(roomKey).Select(hook => MakerIndex.Gone(hook.Maker, Hook.Key(hook.Room, hook.Id)));
        await records.WriteInPartsAsync(
            makers.Concat(records.ReadAll(Hook.SecretKeyPrefix).Where(record => record.Value.AsSpan().StartsWith(prefix)).Concat(records.ReadAll(prefix))
                .Select(record => new RecordChange(record.Key, null))));
    }

    async Task IAccountRecords.ForgetAsync(string accountId)
    {
        foreach (var (room, key) in MakerIndex.MadeBy(records, accountId, Hook.Prefix))
        {
            using var all = await _turns.EnterAsync(room);

            // Somebody else may have renewed it before the turn: it is his.
            var hook = records.Find(key) is { } value ? Hook.Read(key, value) : null;
            await records.WriteAsync(hook?.Maker == accountId ? RemovalsOf(hook) : [MakerIndex.Gone(accountId, key)]);
        }
    }

    private static RecordChange[] ChangesTo(Hook hook)
    {
        var key = Hook.Key(hook.Room, hook.Id);
        return [new RecordChange(key, hook.Value()), new RecordChange(Hook.SecretKey(hook.Secret), key), MakerIndex.Made(hook.Maker, key)];
    }

    private RecordChange[] RemovalsOf(Hook hook)
    {
        var key = Hook.Key(hook.Room, hook.Id);
        return [new(Hook.SecretKey(hook.Secret), null), new(key, null), MakerIndex.Gone(hook.Maker, key), runs.Removal(hook.Room, hook.Id)];
    }

    private async Task<BotChange> InTurnAsync(Room room, Account by, string id, Func<Hook, Task> work)
    {
        using var all = await _turns.EnterAsync(room.Key);
        using var turn = await room.Turns.ShareAsync();
        if (!RoomPolicy.MayKeepBots(room, by))
        {
            return room.IsDeleted ? BotChange.NotFound : BotChange.NotAllowed;
        }

        if (Find(room.Key, id) is not { } hook)
        {
            return BotChange.NotFound;
        }

        await work(hook);
        return BotChange.Done;
    }
}
