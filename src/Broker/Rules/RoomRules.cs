using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rules;

/// <summary>
/// The rules of rooms: made, changed and removed by moderators. Each is a subscriber of its room's data topics, so a room without rules
/// pays nothing for them.
/// </summary>
/// <remarks>
/// Records `rule/{room key}/{id}`, `ruleat/…` with its revision, and `rulestate/…/{revision}/{topic}` (<see cref="TopicState"/>).
/// Thread-safe. The changes of one room are in order: written first, then made in memory, so that one that cannot be written changes
/// nothing. Those that write fail with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed partial class RoomRules(
    IRecords records,
    DataSpaces spaces,
    RoomDirectory rooms,
    RuleSpeech speech,
    RuleWalks walks,
    RuleBudgets budgets,
    RunLogs runs,
    BrokerLimits limits,
    TimeProvider time,
    ILogger<RoomRules> logger,
    ITurns? nodeTurns = null)
    : IRoomRecords, IAccountRecords
{
    private readonly ConcurrentDictionary<(string Room, string Id), RuleListener> _listeners = new();
    private readonly ConcurrentDictionary<string, RuleHearing> _hearings = new();
    private readonly AccountTurns _turns = AccountTurns.Of(nodeTurns, "rules/");
    private int _hasToldOfFailure;

    /// <summary>Those that listen.</summary>
    public IEnumerable<RuleListener> Listeners => _listeners.Values;

    public IReadOnlyList<Rule> Of(string roomKey) =>
        [.. _listeners.Where(one => one.Key.Room == roomKey).Select(one => one.Value.Rule).OrderBy(rule => rule.At).ThenBy(rule => rule.Id, StringComparer.Ordinal)];

    public Rule? Find(string roomKey, string id) => _listeners.GetValueOrDefault((roomKey, id))?.Rule;

    /// <summary>Has every rule listen, and finishes what a crash has left. Before anything is served. Reads the disk.</summary>
    public async Task RestoreAsync()
    {
        List<RecordChange> leftovers = [];
        foreach (var rule in Stored(Rule.Prefix))
        {
            // What is left of a room that was deleted goes with that.
            if (rooms.FindByKey(rule.Room) is not { } room)
            {
                continue;
            }

            if (records.Find(rule.RevisionKey) is null)
            {
                // It was being removed.
                leftovers.AddRange([.. StatesStored(rule), new RecordChange(rule.Key, null), MakerIndex.Gone(rule.Maker, rule.Key), runs.Removal(rule.Room, rule.Id)]);
                continue;
            }

            leftovers.AddRange(StatesStored(rule).Where(change => !change.Key.AsSpan().StartsWith(rule.StatePrefix)));
            Listen(rule, room, StatesOf(rule));
        }

        try
        {
            await records.WriteInPartsAsync(leftovers);
        }
        catch (IOException)
        {
            // The operator has heard of it from the log. It does no harm, and the next start tries again.
        }
    }

    /// <summary>
    /// It was made, changed or removed by another node. What it knows of its topics it learns from what is said from then on.
    /// </summary>
    public void Heard(RecordChange change)
    {
        if (change.Value is { } value && Rule.Read(change.Key, value) is { } rule)
        {
            if (rooms.FindByKey(rule.Room) is { } room && Find(rule.Room, rule.Id)?.Revision != rule.Revision)
            {
                var listener = Listen(rule, room, []);
                if (!listener.WaitsForSilence)
                {
                    // Not on the thread that numbers: it reads the disk. It never throws.
                    _ = Task.Run(() => HearRetainedAsync(room, listener, speaks: false));
                }
            }
        }
        else if (Encoding.ASCII.GetString(change.Key).Split('/') is [_, var key, var id] && Find(key, id) is { } gone)
        {
            Silence(gone);
            speech.Forget(gone);
        }
    }

    /// <summary>
    /// Hears what was published before the program ended, and what a rule had not heard by then: what it has is told apart by its state.
    /// </summary>
    public async Task CatchUpAsync()
    {
        foreach (var listener in _listeners.Values.Where(listener => !listener.WaitsForSilence))
        {
            if (rooms.FindByKey(listener.Rule.Room) is { } room)
            {
                await HearRetainedAsync(room, listener, speaks: true);
            }
        }
    }

    public async Task<(BotChange Change, Rule? Rule)> MakeAsync(Room room, Account by, RuleTerms terms)
    {
        using var all = await _turns.EnterAsync(room.Key);

        // Who deletes the room is alone with it: what was made before goes with it.
        using var turn = await room.Turns.ShareAsync();
        if (!MayMake(room, by))
        {
            return (room.IsDeleted ? BotChange.NotFound : BotChange.NotAllowed, null);
        }

        if (/* guard: rules of a room */ limits.RulesPerRoom > 0 && Of(room.Key).Count >= limits.RulesPerRoom)
        {
            return (BotChange.TooMany, null);
        }

        Rule rule = new(Rule.NewId(), room.Key, by.Id, time.GetUtcNow(), 1, terms);
        await records.WriteAsync(ChangesTo(rule));
        await ListenAsync(rule, room);
        return (BotChange.Done, rule);
    }

    /// <summary>Other terms: it begins anew. Who changes it is its maker from then on.</summary>
    public Task<BotChange> ChangeAsync(Room room, Account by, string id, RuleTerms terms) => InTurnAsync(room, by, id, MayMake, async rule =>
    {
        var changed = rule with { Terms = terms, Maker = by.Id, Revision = rule.Revision + 1 };
        await records.WriteAsync([MakerIndex.Gone(rule.Maker, rule.Key), .. ChangesTo(changed)]);
        await ListenAsync(changed, room);
        try
        {
            await records.WriteInPartsAsync(StatesStored(rule).Where(change => change.Key.AsSpan().StartsWith(rule.StatePrefix)));
        }
        catch (IOException)
        {
            // It is changed, and nobody reads what it knew before. That goes with the next start, or with the rule.
        }
    });

    public Task<BotChange> RemoveAsync(Room room, Account by, string id) => InTurnAsync(room, by, id, RoomPolicy.MayKeepBots, RemoveAsync);

    /// <summary>What it would say of what is retained now. Null: too many are being tested.</summary>
    /// <exception cref="IOException">The retained values cannot be read.</exception>
    public async Task<RuleTest?> TestAsync(Room room, Rule rule)
    {
        if (_listeners.GetValueOrDefault((room.Key, rule.Id)) is not { } listener)
        {
            return new RuleTest();
        }

        var path = rule.Terms.Path is not null && JsonPath.TryParse(rule.Terms.Path, out var found) ? found : null;
        RuleTest test = new();
        var walk = await walks.TestAsync((await spaces.OpenAsync(room)).Retained!.Walk(listener.Filter), message =>
        {
            using RuleLook look = new(message);
            if (RuleValue.Of(look, path) is { } value && speech.TextOf(rule.Terms, value) is { } text)
            {
                test = new RuleTest(message.Topic, value.Text, text);
            }

            return test.Text is not null;
        });
        return walk == RuleWalk.Busy ? null : test with { IsPartial = walk == RuleWalk.Cut };
    }

    /// <summary>About once a second.</summary>
    public void LookForSilence()
    {
        foreach (var listener in _listeners.Values)
        {
            try
            {
                listener.LookForSilence(time.GetUtcNow());
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                Failed(listener, error);
            }
        }
    }

    /// <summary>Has rules hear what they had no budget for. About once a second.</summary>
    public void HearHeld()
    {
        budgets.Sweep();
        foreach (var (key, hearing) in _hearings)
        {
            if (hearing.HoldsSome && rooms.FindByKey(key) is { } room)
            {
                var space = spaces.Of(room);
                space.Enqueue(new HeldForRules(hearing));
                space.Wake();
            }
        }
    }

    /// <summary>Begins to write down when topics were heard last.</summary>
    public void Save()
    {
        foreach (var listener in _listeners.Values)
        {
            speech.Note(listener);
        }
    }

    public async Task ForgetRoomAsync(string roomKey)
    {
        using var all = await _turns.EnterAsync(roomKey);
        foreach (var rule in Of(roomKey))
        {
            Silence(rule);
            speech.Forget(rule);
        }

        // By their keys: also what this version cannot read.
        var makers = Of(roomKey).Select(rule => MakerIndex.Gone(rule.Maker, rule.Key));
        await records.WriteInPartsAsync(makers.Concat(
            Rule.PrefixesOf(roomKey).SelectMany(prefix => records.ReadAll(prefix)).Select(record => new RecordChange(record.Key, null))));
        speech.ForgetRoom(roomKey);
        _hearings.TryRemove(roomKey, out _);
    }

    async Task IAccountRecords.ForgetAsync(string accountId)
    {
        foreach (var (room, key) in MakerIndex.MadeBy(records, accountId, Rule.Prefix))
        {
            using var all = await _turns.EnterAsync(room);

            // Somebody else may have changed it before the turn: it is his.
            if (records.Find(key) is { } value && Rule.Read(key, value) is { } rule && rule.Maker == accountId)
            {
                await RemoveAsync(rule);
            }

            await records.WriteAsync([MakerIndex.Gone(accountId, key)]);
        }
    }

    private List<Rule> Stored(ReadOnlySpan<byte> prefix) =>
        [.. records.ReadAll(prefix).Select(record => Rule.Read(record.Key, record.Value)).OfType<Rule>()];

    private static RecordChange[] ChangesTo(Rule rule) =>
        [new(rule.Key, rule.Value()), new(rule.RevisionKey, rule.RevisionValue), MakerIndex.Made(rule.Maker, rule.Key)];

    // What removes it: of all its revisions.
    private List<RecordChange> StatesStored(Rule rule) => [.. records.ReadAll(rule.AnyStatePrefix).Select(record => new RecordChange(record.Key, null))];

    private Dictionary<string, TopicState> StatesOf(Rule rule)
    {
        var prefix = rule.StatePrefix;
        Dictionary<string, TopicState> states = [];
        foreach (var (key, value) in records.ReadAll(prefix))
        {
            if (TopicState.Read(value) is { } state)
            {
                states[Encoding.UTF8.GetString(key.AsSpan(prefix.Length))] = state;
            }
        }

        return states;
    }

    private async Task RemoveAsync(Rule rule)
    {
        // Without its revision nothing more is said by it, nor written of what it knows. Then that goes, and the rule last: so it may be
        // done twice, and is listed until it is done.
        await records.WriteAsync([new RecordChange(rule.RevisionKey, null)]);
        await records.WriteInPartsAsync([.. StatesStored(rule), new RecordChange(rule.Key, null), MakerIndex.Gone(rule.Maker, rule.Key), runs.Removal(rule.Room, rule.Id)]);
        Silence(rule);
        speech.Forget(rule);
    }

    // In the place of the one that it was before.
    private RuleListener Listen(Rule rule, Room room, Dictionary<string, TopicState> states)
    {
        var hearing = _hearings.GetOrAdd(
            room.Key, key => new RuleHearing(room, budgets, limits, () => _listeners.Where(one => one.Key.Room == key).Select(one => one.Value)));
        RuleListener listener = new(rule, states, limits.TopicsPerRule, time.GetUtcNow(), speech, hearing);
        var before = _listeners.GetValueOrDefault((rule.Room, rule.Id));
        _listeners[(rule.Room, rule.Id)] = listener;
        if (before is not null)
        {
            spaces.Of(room).Unsubscribe(before.Subscription);
        }

        spaces.Of(room).Subscribe(listener.Subscription);
        return listener;
    }

    // What is there already is no news: it is noted, and the next is.
    private async Task ListenAsync(Rule rule, Room room)
    {
        var listener = Listen(rule, room, []);
        if (!listener.WaitsForSilence)
        {
            await HearRetainedAsync(room, listener, speaks: false);
        }
    }

    private async Task HearRetainedAsync(Room room, RuleListener listener, bool speaks)
    {
        try
        {
            await walks.HearAsync((await spaces.OpenAsync(room)).Retained!.Walk(listener.Filter), message => listener.HearRetained(message, speaks));
        }
        catch (IOException)
        {
            // Values that cannot be read now are heard when they change.
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Failed(listener, error);
        }
    }

    // One that fails is at fault itself, and the others go on.
    private void Failed(RuleListener listener, Exception error)
    {
        if (Interlocked.Exchange(ref _hasToldOfFailure, 1) == 0)
        {
            LogFailed(logger, listener.Rule.Id, error);
        }
    }

    private void Silence(Rule rule)
    {
        if (_listeners.TryRemove((rule.Room, rule.Id), out var listener) && rooms.FindByKey(rule.Room) is { } room)
        {
            spaces.Of(room).Unsubscribe(listener.Subscription);
        }
    }

    private static bool MayMake(Room room, Account by) =>
        RoomPolicy.MayKeepBots(room, by) && /* guard: who makes a rule may read what it hears */ RoomPolicy.MayReadData(room, by);

    private async Task<BotChange> InTurnAsync(Room room, Account by, string id, Func<Room, Account, bool> may, Func<Rule, Task> work)
    {
        using var all = await _turns.EnterAsync(room.Key);
        using var turn = await room.Turns.ShareAsync();
        if (!may(room, by))
        {
            return room.IsDeleted ? BotChange.NotFound : BotChange.NotAllowed;
        }

        if (Find(room.Key, id) is not { } rule)
        {
            return BotChange.NotFound;
        }

        await work(rule);
        return BotChange.Done;
    }

    [LoggerMessage(4340, LogLevel.Error, "The rule {Rule} failed as it heard or looked; said once, however many fail")]
    private static partial void LogFailed(ILogger logger, string rule, Exception error);
}

/// <summary>What a rule would say of what is retained.</summary>
/// <param name="Text">Null: it finds nothing in it.</param>
/// <param name="IsPartial">There is more than was looked at.</param>
internal sealed record RuleTest(string? Topic = null, string? Value = null, string? Text = null, bool IsPartial = false);
