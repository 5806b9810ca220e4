using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>Says something in a room or a conversation over HTTP: the same as a publish, in a room by who is on its list already.</summary>
internal sealed class Sayings(
    Mentions mentions, Conversations conversations, PublishBudgets budgets, StorageQuotas quotas, DiskSpace space, BrokerLimits limits)
{
    /// <summary>When it completes, it is on disk, or refused.</summary>
    public async Task<ActResult> SayAsync(Room room, Command command, LoginSession session)
    {
        var account = session.Account;
        if (/* guard: a token's verbs, saying over HTTP */ !session.Scope.Allows(room.Id.Value, Verbs.Post))
        {
            return new ActResult(TalkRefusals.NoVerb);
        }

        if (room.MembershipOf(account.Id) is not { } membership || !RoomPolicy.MayHear(room, account))
        {
            return new ActResult(TalkRefusals.NotIn);
        }

        if ((/* guard: publishes of an account, over HTTP */ budgets.WhyNot(account.Id)) is { } tooMany)
        {
            return new ActResult(tooMany);
        }

        var ruling = WhyTooLong(command) ?? RoomPolicy.WhyNotPost(room, membership, account);
        var target = PublishTarget.OfRoom($"rooms/{room.Id.Value}", new RoomTopic(TopicKind.Events, room.Id.Value), room);
        var named = ruling is null ? mentions.Find(room, account, command.Text) : null;
        return await SayAsync(room, target, command, session, membership, ruling, named) ?? new ActResult(PublishRefusal.NoSuchRoom);
    }

    /// <summary>The same in a conversation, as the account sees it that speaks.</summary>
    public async Task<ActResult> SayAsync(Conversation conversation, Command command, LoginSession session)
    {
        if (Conversations.WhyNotPost(session) is { } refusal)
        {
            return new ActResult(refusal);
        }

        var other = conversations.OtherOf(conversation);
        var target = PublishTarget.OfInbox(
            $"users/{conversation.User}", new RoomTopic(TopicKind.Inbox, conversation.User), inbox: null, other);
        var ruling = target.IsGone ? PublishTarget.NobodyThere : WhyTooLong(command);
        if (ruling is not null && !await conversations.TakesAsync(session.Account, conversation))
        {
            ruling = PublishTarget.NobodyThere;
        }

        var way = conversations.WayOf(session, conversation, other, isMessage: true);
        return await SayAsync(way, target, command, session, membership: null, ruling, named: null)
            ?? new ActResult(PublishTarget.NobodyThere);
    }

    // Null: the way has ended meanwhile.
    private async Task<ActResult?> SayAsync(
        ISpokenWay way,
        PublishTarget target,
        Command command,
        LoginSession session,
        Membership? membership,
        PublishRefusal? ruling,
        Named? named)
    {
        if (ruling is not null && command.Id is null)
        {
            return new ActResult(ruling);
        }

        Told told = new(session, new StoragePayer(quotas.Of(session), space));
        SaidPublish said = new(packetId: 0, qualityOfService: 1, Author.Of(session), command, target, publisherMark: 0, told);
        var pending = PendingPublish.Of(way, said, membership, session, told.Payer, ruling: ruling, named: named);
        return way.TryAppend(pending) ? await told.Done : null;
    }

    private PublishRefusal? WhyTooLong(Command command) =>
        command.OverLength(limits.TextLength) is { } tooLong ? PublishRefusal.BadCommand(tooLong) : null;

    /// <summary>Who waits for the answer of one call.</summary>
    private sealed class Told(LoginSession session, StoragePayer payer) : IPublisher
    {
        private readonly TaskCompletionSource<ActResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ActResult> Done => _done.Task;

        public ulong PublisherMark => 0;

        public LoginSession? Session => session;

        public StoragePayer Payer => payer;

        public void Answer(PublishAnswer answer, List<IMember> touched) => _done.TrySetResult(
            answer.FailedWithoutWord ? new ActResult(PublishRefusal.NoRoom)
            : answer.Code >= ReasonCode.UnspecifiedError ? ActResult.IdInUse
            : new ActResult(null, answer.Seq, answer.Epoch ?? "", answer is SaidPublish { IsRepeated: true }));

        public void Refuse(PublishAnswer answer, PublishRefusal refusal, string topic, List<IMember> touched) =>
            _done.TrySetResult(new ActResult(refusal));
    }
}
