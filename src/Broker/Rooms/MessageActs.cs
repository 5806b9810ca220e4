using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Acts on what was said in a room: it is edited, deleted, reacted to, pinned. Each is an event, and what it makes of the stored message
/// is in the batch of the event (ADR 0051).
/// </summary>
internal sealed class MessageActs(
    RoomDirectory directory,
    MessageChanges changes,
    IEventLog log,
    Reactions reactions,
    Pins pins,
    Mentions mentions,
    IgnoredPeople ignored,
    AuditPlaces audits,
    StorageQuotas quotas,
    DiskSpace space,
    TimeProvider time)
{
    private static readonly PublishRefusal _noVerbForOthers = new(
        ReasonCode.NotAuthorized, "This access token may not do this to what others said: it lacks the verb moderate.", "not_allowed");

    private static readonly PublishRefusal _noVerbToPin =
        new(ReasonCode.NotAuthorized, "This access token may not pin: it lacks the verb moderate.", "not_allowed");

    private static readonly PublishRefusal _notPinner = new(ReasonCode.NotAuthorized, "Only moderators pin messages.", "not_allowed");

    /// <summary>Does what a command asks for. When it completes, it is on disk, or refused.</summary>
    public Task<ActResult> ActAsync(Room room, AskedAct asked) => changes.DoAsync(
        asked,
        room.Log,
        () => new Place(this, room, asked.Session),
        message =>
        {
            if (asked.Act is MessageAct.Delete delete)
            {
                TellAuthor(room, message.Author, asked.Session.Account, ReasonOf(room, asked.Session.Account, delete));
            }
        });

    // Deleting stays with a moderator who is muted, and writing does not.
    private static string? ReasonOf(Room room, Account by, MessageAct.Delete act) =>
        (/* guard: who is muted gives no reasons */ RoomPolicy.WhyMuted(room, by)) is null ? act.Reason : null;

    // Who said it hears it on those of its clients that are connected, with the reason, which moderators see as well, and nobody else.
    private void TellAuthor(Room room, string author, Account by, string? reason)
    {
        if (author != by.Id && room.IsMember(author))
        {
            // Whoever ignores another hears no words of his.
            reason = /* guard: who is ignored gives no reasons of deletions */ ignored.Ignores(author, by.Id) ? null : reason;

            // Who has no inbox yet has no client that could hear of it.
            var text = $"{by.DisplayName} ({by.UserName}) deleted a message of yours in {room.Record.Title}.";
            directory.FindInbox(author)?.Enqueue(
                new InboxNotice(room, "deleted", PlainLine.Of(reason is null ? text : $"{text} {reason}")));
        }
    }

    /// <summary>Somebody in the room, in the stay of this attempt.</summary>
    private sealed class Place(MessageActs acts, Room room, LoginSession session) : IActPlace
    {
        private readonly Account _account = session.Account;
        private GuardedText? _text;

        public ISpokenWay Way => room;

        public Membership? Membership { get; } = room.MembershipOf(session.Account.Id);

        public PublishRefusal? WhyClosed => room.IsDeleted || _account.IsErased ? PublishRefusal.NoSuchRoom
            : Membership is null || !RoomPolicy.MayHear(room, _account) ? TalkRefusals.NotIn
            : null;

        public PublishRefusal NoSuchEvent => TalkRefusals.NoSuchEvent;

        public PublishRefusal Gone => PublishRefusal.NoSuchRoom;

        public PublishRefusal? WhyNot(MessageAct act, in LogEntry message)
        {
            var moderates = act is MessageAct.Pin || (act is MessageAct.Delete && message.Author != _account.Id);
            if (/* guard: a token's verbs, messages */ !session.Scope.Allows(room.Id.Value, moderates ? Verbs.Moderate : Verbs.Post))
            {
                return act is MessageAct.Pin ? _noVerbToPin : moderates ? _noVerbForOthers : TalkRefusals.NoVerb;
            }

            return act switch
            {
                MessageAct.Edit edit => RoomPolicy.WhyNotEdit(room, Membership!, _account, message.Author, acts.Now - message.At)
                    ?? RoomPolicy.WhyNoLink(room, Membership!, _account, TextOf(edit)),
                MessageAct.Delete => RoomPolicy.WhyNotDelete(room, _account, message.Author),
                MessageAct.Pin when !(/* guard: who pins */ RoomPolicy.MayPin(room, _account)) => _notPinner,
                MessageAct.Pin => RoomPolicy.WhySilent(room, _account),
                _ => RoomPolicy.WhyNotPost(room, Membership!, _account),
            };
        }

        public MessagePlan PlanOf(MessageAct act, in LogEntry message, Func<PublishRefusal?> rule)
        {
            var plan = acts.PlanOf(room, act, session, message, rule);
            if (act is not MessageAct.Edit edit)
            {
                return plan;
            }

            // An edit says something as a message does.
            var (text, isCounted) = (TextOf(edit), false);
            return plan with
            {
                Last = () =>
                {
                    var refusal = RoomPolicy.WhyNotAgain(room, _account, text);
                    isCounted = refusal is null;
                    return refusal;
                },
                Undone = () =>
                {
                    if (isCounted)
                    {
                        room.Guard.GiveBack(_account.Id, text.Fold);
                    }
                },
            };
        }

        private GuardedText TextOf(MessageAct.Edit edit) => _text ??= new GuardedText(edit.Text).Read(room.Record.Policy.Guard);
    }

    // Who deletes pays for it. Where he has nothing left, or the disk has no room, deleting goes on, and no reason is kept of it.
    private (RecordChange Entry, Action Undone) AuditOf(Room room, MessageAct.Delete act, LoginSession session, in LogEntry message)
    {
        AuditRecord done = new(
            "delete",
            AuditPerson.Of(Author.Of(session)),
            AuditPerson.Of(EventBody.AuthorOf(message.Body.Span)),
            ReasonOf(room, session.Account, act),
            Of: message.Seq);
        var entry = audits.Place(room.Key, done);
        StoragePayer payer = new(quotas.Of(session), space);
        var bytes = AuditPlaces.SizeOf(entry);
        return (/* guard: reasons of deletions are paid for */ payer.Pay(bytes) is null) ? (entry, () => payer.GiveBack(bytes))
            : (done.Reason is null ? entry : audits.Place(room.Key, done with { Reason = null }), () => { });
    }

    private DateTimeOffset Now => time.GetUtcNow();

    private MessagePlan PlanOf(Room room, MessageAct act, LoginSession session, in LogEntry message, Func<PublishRefusal?> rule)
    {
        var by = Author.Of(session);
        if (act is MessageAct.Pin pin)
        {
            var pinned = pins.Plan(room.Log, room.PinsKnown, room.LogHead.First, pin, by, Now);
            return new MessagePlan(pinned.Ruling)
            {
                Message = message, Changes = pinned.Changes, Conditions = pinned.Conditions, Rule = rule,
            };
        }

        var named = act is MessageAct.Edit { Text: var text } ? mentions.FindUsers(room, text) : [];
        var plan = MessagePlan.Of(room.Log, act, by, message, log, reactions, Now, rule, named);
        if (act is not MessageAct.Delete delete)
        {
            return plan;
        }

        var unpinned = pins.RemovalOf(room.Log, room.PinsKnown, message.Seq);
        plan = plan with { Changes = unpinned.Changes, Conditions = unpinned.Conditions };
        if (message.Author == by.AccountId)
        {
            // Of one's own nobody else has to be told why.
            return plan;
        }

        var (entry, undone) = AuditOf(room, delete, session, message);
        return plan with { Changes = [.. plan.Changes, entry], Undone = undone };
    }
}
