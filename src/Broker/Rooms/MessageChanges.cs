using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>An act as it came: on a message, a room or people in it.</summary>
/// <param name="Received">Stored with its event, or not at all.</param>
/// <param name="Ruling">A rule that forbids it, unless it was done before under its id; null: none that is known yet.</param>
internal sealed record AskedAct(
    Command Command, LoginSession Session, ulong PublisherMark = 0, RecordChange? Received = null, PublishRefusal? Ruling = null)
{
    /// <summary>
    /// Called as soon as it is on disk, before the members' connections are flushed: so the answer leaves with the event. On the thread
    /// that delivers: must not block. Null: whoever asks waits for the end.
    /// </summary>
    public Action<PendingAct, List<IMember>>? Accepted { get; init; }

    /// <summary>Who received it, if that is stored with it; null: nobody that matters.</summary>
    public IPublisher? Receiver { get; init; }

    public MessageAct Act => Command.Act as MessageAct ?? throw new ArgumentException("No act on a message.");
}

/// <summary>Somebody who acts on messages in a room or in a conversation, as it is at one attempt: what he may, and the way of the
/// event.</summary>
internal interface IActPlace
{
    ISpokenWay Way { get; }

    /// <summary>The stay on a room's list that it is done in; null: it needs none.</summary>
    Membership? Membership { get; }

    /// <summary>Why he does nothing there at all; null: he may do something.</summary>
    PublishRefusal? WhyClosed { get; }

    /// <summary>What is said where there is no message of the number.</summary>
    PublishRefusal NoSuchEvent { get; }

    /// <summary>What is said where the way has ended meanwhile.</summary>
    PublishRefusal Gone { get; }

    /// <summary>Null: he may do it to the message. Looks at memory alone: the log thread asks, too.</summary>
    PublishRefusal? WhyNot(MessageAct act, in LogEntry message);

    /// <summary>What it would change. Reads the disk.</summary>
    /// <param name="rule">Asked again when the event gets its number.</param>
    MessagePlan PlanOf(MessageAct act, in LogEntry message, Func<PublishRefusal?> rule);
}

/// <summary>
/// Changes what was said: the message is read, judged, and the event appended on the condition that it is the same by then. If it is not,
/// it is looked at again (ADR 0051).
/// </summary>
/// <remarks>The log is read on the thread pool, where one may wait for a disk, which a thread that serves sockets may not.</remarks>
internal sealed class MessageChanges(IEventLog log, StorageQuotas quotas, DiskSpace space, BrokerLimits limits)
{
    private const int Tries = 3;

    private static readonly PublishRefusal _isRoll = new(ReasonCode.NotAuthorized, "What the dice said stays as it is.", "not_allowed");

    // So of two edits of a message, the one that was sent last stays.
    // An account's acts that wait for one another are written together.
    private readonly ActTurns _turns = new(log.Wake);

    /// <summary>Does what was asked for. When it completes, it is on disk, or refused.</summary>
    /// <param name="name">The log that has the message.</param>
    /// <param name="enter">Looks at the place anew, once an attempt.</param>
    /// <param name="stored">Called when the event is on disk, with the message as it was.</param>
    public async Task<ActResult> DoAsync(AskedAct asked, LogName name, Func<IActPlace> enter, Action<LogEntry>? stored = null)
    {
        if (asked.Command.OverLength(limits.TextLength) is { } tooLong)
        {
            asked = asked with { Ruling = asked.Ruling ?? PublishRefusal.BadCommand(tooLong) };
        }

        using var turn = await _turns.EnterAsync(new ActedOn(asked.Session.Account.Id, name, asked.Act.Of));
        for (var attempt = 1; ; attempt++)
        {
            var place = enter();
            if (place.WhyClosed is { } closed)
            {
                return new ActResult(closed);
            }

            var plan = turn.HasWaited ? PlanOf(place, asked, name) : await Task.Run(() => PlanOf(place, asked, name));
            if (plan.Ruling is not null && asked.Command.Id is null)
            {
                return ActResult.Of(plan.Ruling);
            }

            var pending = Pending(place.Way, asked, plan, place.Membership);
            if (!place.Way.TryAppend(pending, moreFollows: !turn.IsPlaced))
            {
                plan.Undone();
                if (attempt < Tries)
                {
                    continue;
                }

                return new ActResult(place.Gone);
            }

            // It has its place among the account's events; the next need not wait for the disk.
            turn.HasItsPlace();
            await pending.Told;
            if (pending.Outcome is not AppendOutcome.Stored)
            {
                plan.Undone();
            }

            if (pending.Outcome is AppendOutcome.Conflict && /* guard: a conflict is looked at again */ attempt < Tries)
            {
                continue;
            }

            if (pending.Outcome is AppendOutcome.Stored && plan.Message is { } message)
            {
                stored?.Invoke(message);
            }

            return ActResult.Of(pending);
        }
    }

    private MessagePlan PlanOf(IActPlace place, AskedAct asked, LogName name)
    {
        var act = asked.Act;
        if (log.ReadAfter(name, act.Of - 1, 1).Entries is not [var message] || message.Seq != act.Of)
        {
            return new MessagePlan(asked.Ruling ?? place.NoSuchEvent);
        }

        var rule = () => place.WhyNot(act, message);
        var refusal = asked.Ruling
            ?? TalkRefusals.WhyNoMessage(message.Body.Span)
            ?? (act is MessageAct.Edit
                && (/* guard: nobody changes what the dice said */ EventBody.IsRoll(message.Body.Span)) ? _isRoll : null)
            ?? rule();
        return refusal is null ? place.PlanOf(act, message, rule) : new MessagePlan(refusal);
    }

    private PendingAct Pending(ISpokenWay way, AskedAct asked, MessagePlan plan, Membership? membership)
    {
        var (act, author, id) = (asked.Act, Author.Of(asked.Session), asked.Command.Id ?? EventBody.NewId());

        // What a message that is over has said is over with it.
        var expiry = act is MessageAct.Edit && plan.Message is { } edited ? EventBody.ExpiryOf(edited.Body.Span) : null;
        var body = EventBody.Act(act.Event, author, id, writer => WriteFields(writer, act, plan.Mentions), asked.PublisherMark, expiry);
        way.SaidBy(asked.PublisherMark, EventBody.IdOf(body));

        // A deletion costs nobody's quota and goes on while the disk is nearly full: there is one for each message at most.
        StoragePayer? payer = act is MessageAct.Delete ? null : new StoragePayer(quotas.Of(asked.Session), space);
        return new PendingAct(way, author, asked.Command, body, asked.Session, payer, asked.PublisherMark, plan.Ruling)
        {
            Membership = membership,
            Rule = plan.Rule,
            Last = plan.Last,
            Changes =
            [
                .. plan.Changes,
                .. way.Index,
                .. asked.Received is { } record ? [record] : Array.Empty<RecordChange>(),
                .. plan.Mentions.Count > 0 ? [NoticesDue.Of(way.Log, body)] : Array.Empty<RecordChange>(),
            ],
            Conditions = plan.Conditions,
            Replacements = plan.Replacements,
            EntryConditions = plan is { Ruling: null, Message: { } message } ? [new EntryCondition(message.Seq, message.ChangedBy)] : [],
            Pointers = way.Pointers,
            Accepted = asked.Accepted,
            Receiver = asked.Receiver,
        };
    }

    // The fields of the event beside `from`.
    private static void WriteFields(Utf8JsonWriter writer, MessageAct act, IReadOnlyList<string> mentions)
    {
        writer.WriteNumber("of"u8, act.Of);
        if (act is MessageAct.Edit edit)
        {
            writer.WriteString("text"u8, edit.Text);
            new Named(mentions, false).Write(writer);
        }
        else if (act is MessageAct.Pin pin)
        {
            writer.WriteBoolean("on"u8, pin.On);
        }
        else if (act is MessageAct.Reaction reaction)
        {
            writer.WriteString("emoji"u8, reaction.Emoji);
            writer.WriteBoolean("on"u8, reaction.On);
        }
    }
}
