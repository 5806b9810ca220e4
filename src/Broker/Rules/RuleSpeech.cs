using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rules;

/// <summary>Says what rules have to say: by the right of who made them, so many a minute of a rule and of a room.</summary>
/// <remarks>
/// What a rule knows of a topic is stored in the batch of what it says of it: after a crash it says it neither again nor never. Where
/// nothing is said, it is written by itself. Thread-safe; budgets are kept of rules and rooms that have said something since the start.
/// </remarks>
internal sealed partial class RuleSpeech(
    RoomDirectory rooms,
    AccountDirectory accounts,
    BotSpeech speech,
    RunLogs runs,
    IRecords records,
    BrokerLimits limits,
    TimeProvider time,
    ILogger<RuleSpeech> logger)
    : IRuleSpeech
{
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, RateBudget> _ofRules = new();
    private readonly ConcurrentDictionary<string, RateBudget> _ofRooms = new();
    private readonly AccountTurns _turns = new();

    public bool Works(Rule rule) => WorksFor(rule, out _, out _);

    public void Say(RuleListener listener, string topic, TopicState state, RuleValue value)
    {
        var rule = listener.Rule;
        var mayNot = !WorksFor(rule, out var room, out var maker) ? "rule_ended" : !MaySay(rule) ? "too_many_requests" : null;
        if (mayNot is null)
        {
            _ = SayAsync(listener, room!, maker!, topic, state, value);
            return;
        }

        Refused(rule, mayNot);
        listener.Done(topic, stored: null);
    }

    public void Note(RuleListener listener)
    {
        if (listener.BeginSave())
        {
            _ = SaveAsync(listener);
        }
    }

    public void Refused(Rule rule, string why) => runs.Add(rule.Room, rule.Id, "refused", why);

    public void Forget(Rule rule) => _ofRules.TryRemove(rule.Id, out _);

    public void ForgetRoom(string roomKey) => _ofRooms.TryRemove(roomKey, out _);

    /// <summary>What it would say; null: nothing.</summary>
    public string? TextOf(RuleTerms terms, RuleValue value) =>
        SpokenTemplate.TryParse(terms.Text, out var template) && value.Say(template, BotText.LongestFor(limits)) is { } text ? BotText.Within(text, limits) : null;

    private bool MaySay(Rule rule)
    {
        var its = _ofRules.GetOrAdd(rule.Id, static (_, of) => new RateBudget(of.limits.RuleSaysPerMinute, of.limits.RuleSaysPerMinute, of.time, _minute), (limits, time));
        var all = _ofRooms.GetOrAdd(
            rule.Room, static (_, of) => new RateBudget(of.limits.RuleSaysPerMinutePerRoom, of.limits.RuleSaysPerMinutePerRoom, of.time, _minute), (limits, time));
        return (/* guard: how often a rule speaks */ its.TryTake(out _)) && /* guard: how often the rules of a room speak */ all.TryTake(out _);
    }

    private async Task SayAsync(RuleListener listener, Room room, Account maker, string topic, TopicState state, RuleValue value)
    {
        // One after the other, in the order of what it heard.
        using var turn = await _turns.EnterAsync(listener.Rule.Id);
        try
        {
            await SayInTurnAsync(listener, room, maker, topic, state, value);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // Nobody waits for it.
            LogFailed(logger, listener.Rule.Id, error);
            listener.Done(topic, stored: null);
        }
    }

    private async Task SayInTurnAsync(RuleListener listener, Room room, Account maker, string topic, TopicState state, RuleValue value)
    {
        var rule = listener.Rule;
        if (TextOf(rule.Terms, value)?.Trim() is not { Length: > 0 } text)
        {
            runs.Add(rule.Room, rule.Id, "nothing");
            listener.Done(topic, stored: null);
            return;
        }

        var done = await speech.SayAsync(room, rule.Author, maker, new BotWords(text), [rule.IsThere], [listener.ChangeTo(topic, state)]);

        // Of one that was removed or changed meanwhile nothing is said, nor kept.
        if (!ReferenceEquals(done, ActResult.ConflictOfRecords))
        {
            runs.Add(rule.Room, rule.Id, done.Refusal is null ? "said" : "refused", done.Refusal?.Notice ?? "");
            listener.Done(topic, done.Refusal is null ? state : null);
        }
    }

    private async Task SaveAsync(RuleListener listener)
    {
        try
        {
            while (listener.NextUnsaved() is { Count: > 0 } changes)
            {
                // Nothing is written any more of a rule that was removed or changed.
                await records.WriteAsync(changes, [listener.Rule.IsThere]);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The operator has heard of it from the log.
            listener.SaveFailed();
        }
    }

    private bool WorksFor(Rule rule, out Room? room, out Account? maker)
    {
        (room, maker) = (rooms.FindByKey(rule.Room), accounts.Find(rule.Maker));
        return room is not null && maker is not null
            && (/* guard: a rule ends with its maker's rank */ RoomPolicy.MayKeepBots(room, maker))
            && /* guard: a rule says what its maker may read */ RoomPolicy.MayReadData(room, maker);
    }

    [LoggerMessage(4341, LogLevel.Error, "What the rule {Rule} has to say could not be said")]
    private static partial void LogFailed(ILogger logger, string rule, Exception error);
}
