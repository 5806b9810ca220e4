using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Hooks;

/// <summary>What became of a call of a hook.</summary>
/// <param name="Why">See <see cref="HookWords.Why"/>; empty: it was said, or <paramref name="Said"/> has the refusal.</param>
/// <param name="Said">Null: nothing was said.</param>
internal sealed record HookAnswer(string Why, ActResult? Said = null);

/// <summary>Calls of hooks: finds who may speak, how often, and says it.</summary>
/// <remarks>
/// Thread-safe. In memory is one budget for each hook that has spoken lately: when there are many,
/// those that are full again are forgotten.
/// </remarks>
internal sealed class HookCalls(
    RoomHooks hooks, RoomDirectory rooms, AccountDirectory accounts, BotSpeech speech, RunLogs runs, BrokerLimits limits, TimeProvider time)
{
    private const int ManyBudgets = 1_000;

    private readonly ConcurrentDictionary<string, RateBudget> _budgets = new();

    /// <summary>
    /// The hook whose secret this is, with its room and maker. Null: there is none. A room or maker of null: it speaks no more, since its
    /// maker has lost the room or his rank there.
    /// </summary>
    public (Hook Hook, Room? Room, Account? Maker)? Find(string secret)
    {
        if (hooks.FindBySecret(secret) is not { } hook)
        {
            return null;
        }

        var lasts = WorksFor(hook, out var room, out var maker);
        return (hook, lasts ? room : null, lasts ? maker : null);
    }

    /// <summary>Whether its maker still has the rank that it speaks with.</summary>
    public bool Works(Hook hook) => WorksFor(hook, out _, out _);

    /// <summary>One more call of it. False: too many; <paramref name="wait"/> says for how long.</summary>
    public bool MayCall(Hook hook, out TimeSpan wait)
    {
        if (_budgets.Count > ManyBudgets)
        {
            foreach (var (id, budget) in _budgets.Where(one => one.Value.IsFull))
            {
                _budgets.TryRemove(new(id, budget));
            }
        }

        var its = _budgets.GetOrAdd(hook.Id, static (_, of) => new RateBudget(of.limits.HookPostsPerSecond, of.limits.HookPostBurst, of.time), (limits, time));
        var isTaken = its.TryTake(out wait);
        if (/* guard: how often a hook speaks */ isTaken)
        {
            return true;
        }

        Refused(hook, "too_many_requests");
        return false;
    }

    public void Refused(Hook hook, string why) => runs.Add(hook.Room, hook.Id, "refused", why);

    /// <param name="body">As it was posted.</param>
    public async Task<HookAnswer> SayAsync(Hook hook, Room room, Account maker, string? contentType, ReadOnlyMemory<byte> body)
    {
        var words = HookText.Read(contentType, body.Span, TemplateOf(hook.Template), BotText.LongestFor(limits));
        if (words.Words is not { } said)
        {
            runs.Add(hook.Room, hook.Id, words.Why == "nothing" ? "nothing" : "refused", words.Why == "nothing" ? "" : words.Why);
            return new HookAnswer(words.Why);
        }

        return await SayAsync(hook, room, maker, said);
    }

    public async Task<HookAnswer> SayAsync(Hook hook, Room room, Account maker, BotWords words)
    {
        // A hook that was removed or renewed meanwhile says nothing: the log looks as it numbers.
        var done = await speech.SayAsync(room, hook.Author, maker, words, [hook.IsThere]);
        if (ReferenceEquals(done, ActResult.ConflictOfRecords))
        {
            return new HookAnswer("removed");
        }

        runs.Add(hook.Room, hook.Id, done.Refusal is null ? "said" : "refused", done.Refusal?.Notice ?? "");
        return new HookAnswer("", done);
    }

    /// <summary>Null: there is none, or it is none any more.</summary>
    public static SpokenTemplate? TemplateOf(string? text) => text is not null && SpokenTemplate.TryParse(text, out var template) ? template : null;

    private bool WorksFor(Hook hook, out Room? room, out Account? maker)
    {
        (room, maker) = (rooms.FindByKey(hook.Room), accounts.Find(hook.Maker));
        return room is not null && maker is not null && /* guard: a hook ends with its maker's rank */ RoomPolicy.MayKeepBots(room, maker);
    }
}
