using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// What one of two does to what was said in their conversation: edits or deletes what it said, reacts. As <see cref="MessageActs"/> does it
/// in rooms; who may, is simpler.
/// </summary>
internal sealed class ConversationActs(
    Conversations conversations, MessageChanges changes, IEventLog log, Reactions reactions, TimeProvider time)
{
    private static readonly PublishRefusal _notTheAuthor =
        new(ReasonCode.NotAuthorized, "In a conversation only who said it edits or deletes it.", "not_allowed");

    /// <summary>Does what a command asks for. When it completes, it is on disk, or refused.</summary>
    /// <param name="conversation">As the account sees it that asks.</param>
    public async Task<ActResult> ActAsync(Conversation conversation, AskedAct asked)
    {
        if (!asked.Command.IsOfConversations)
        {
            return new ActResult(TalkRefusals.ForRooms);
        }

        // What was said to who is banned or erased by now is taken back all the same.
        if (asked.Act is MessageAct.Delete && ReferenceEquals(asked.Ruling, PublishTarget.NobodyThere))
        {
            asked = asked with { Ruling = null };
        }

        // Before anything is told of what is there: of who takes nothing it is the same as of nobody.
        var isTaken = await conversations.TakesAsync(asked.Session.Account, conversation);
        if (!isTaken && asked.Act is not MessageAct.Delete)
        {
            asked = asked with { Ruling = PublishTarget.NobodyThere };
        }

        return await changes.DoAsync(asked, conversation.Log, () => new Place(this, conversations, conversation, asked, isTaken));
    }

    private MessagePlan PlanOf(LogName name, MessageAct act, Author by, in LogEntry message, Func<PublishRefusal?> rule) =>
        MessagePlan.Of(name, act, by, message, log, reactions, time.GetUtcNow(), rule, named: []);

    /// <summary>One of the two, and whether the other is there at this attempt.</summary>
    private sealed class Place(ConversationActs acts, Conversations all, Conversation conversation, AskedAct asked, bool isTaken) : IActPlace
    {
        private readonly LoginSession _session = asked.Session;
        private readonly Account? _other = all.OtherOf(conversation);
        private ISpokenWay? _way;

        public ISpokenWay Way => _way ??= all.WayOf(
            _session, conversation, _other, isMessage: false, /* guard: who ignores somebody hears what he takes back */ asked.Act is MessageAct.Delete);

        public Membership? Membership => null;

        public PublishRefusal? WhyClosed => _session.Account.IsErased ? PublishTarget.NobodyThere : null;

        // Of who is banned, or takes nothing, nobody learns by this that he is no nobody.
        public PublishRefusal NoSuchEvent =>
            (/* guard: of who is banned as little is said as of nobody */ !isTaken || Conversations.IsGone(_other))
            ? PublishTarget.NobodyThere : TalkRefusals.NoSuchEvent;

        public PublishRefusal Gone => PublishTarget.NobodyThere;

        public PublishRefusal? WhyNot(MessageAct act, in LogEntry message) =>
            Conversations.WhyNotPost(_session)
            ?? ((/* guard: nobody changes what the other said */ act is MessageAct.Edit or MessageAct.Delete && message.Author != _session.Account.Id)
                ? _notTheAuthor
            : act is not MessageAct.Delete && (Conversations.IsGone(_other) || !all.Takes(_session.Account, _other!))
                ? PublishTarget.NobodyThere
            : null);

        public MessagePlan PlanOf(MessageAct act, in LogEntry message, Func<PublishRefusal?> rule) =>
            acts.PlanOf(conversation.Log, act, Author.Of(_session), message, rule);
    }
}
