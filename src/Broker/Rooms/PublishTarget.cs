using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Where a PUBLISH goes: the room or inbox behind a topic. Connections keep the last one, so rights are asked anew each time.
/// </summary>
internal sealed class PublishTarget : IPublishTarget
{
    private static readonly Verdict NoSuchRoom =
        Verdict.Refused(RefusalCode.NotAuthorized, "There is no such room, or it is not open to you.");
    private static readonly Verdict Nobody = Verdict.Refused(RefusalCode.NotAuthorized, "There is nobody of that user name.");
    private static readonly Verdict NotForWriting =
        Verdict.Refused(RefusalCode.NotAuthorized, "Only the server publishes to this topic. Messages go to rooms/{room}.");
    private static readonly Verdict NoData =
        Verdict.Refused(RefusalCode.NotAuthorized, "Data topics of this room are not yours to write: its rules, or this access token, say so.");
    private static readonly Verdict NotForDevices =
        Verdict.Refused(RefusalCode.NotAuthorized, "Topics below $SYS/ are the server's, but for $SYS/broker/connection/ of bridges.");
    private static readonly Verdict NotYourPosition =
        Verdict.Refused(RefusalCode.NotAuthorized, "Only you say how far you have read: publish to users/, your own user name, and /read.");
    private static readonly Verdict MayNotRead = Verdict.Refused(RefusalCode.NotAuthorized, "This access token may not read here.");
    private static readonly Verdict NoVerb = Verdict.Refused(RefusalCode.NotAuthorized, "This access token may not post here.");

    private PublishTarget(string text, RoomTopic topic, Room? room, Inbox? inbox, Account? recipient, Conversation? conversation = null) =>
        (TopicText, Topic, Room, Inbox, Recipient, Conversation) = (text, topic, room, inbox, recipient, conversation);

    public string TopicText { get; }

    /// <summary>Below `rooms/{room}/data/`; null: it is no data topic.</summary>
    public string? DataTopic { get; private init; }

    public RoomTopic Topic { get; }

    /// <summary>Null for an inbox, and for a room that does not exist.</summary>
    public Room? Room { get; }

    public Inbox? Inbox { get; }

    public Account? Recipient { get; }

    /// <summary>Whose read position it is about; null: it is about none.</summary>
    public Conversation? Conversation { get; }

    /// <summary>False: look the topic up anew.</summary>
    public bool IsCurrent => Topic.Kind switch
    {
        TopicKind.Inbox or TopicKind.ConversationTyping => IsRecipientCurrent,
        TopicKind.Read => IsRecipientCurrent && Topic.With is null && (Topic.ReadRoom is null || Room is { IsDeleted: false }),
        _ => Room is { IsDeleted: false },
    };

    /// <summary>Said to who whispers to nobody, and to who was heard there before somebody was banned: an id comes before that.</summary>
    public static PublishRefusal NobodyThere { get; } = new(ReasonCode.NotAuthorized, Nobody.Reason, "not_allowed");

    /// <summary>A whisper's recipient is banned or erased: whoever is reads nothing, and nothing is stored for them.</summary>
    public bool IsGone => Topic.Kind == TopicKind.Inbox && Recipient is not { Ban: null, IsErased: false };

    /// <summary>The log it is about: that of the room or the inbox. Null: there is none.</summary>
    public EventStream? Stream => Room is not null ? Room : Conversation is not null ? Conversation : Inbox;

    private bool IsRecipientCurrent => Recipient is { IsErased: false } recipient && recipient.UserName == Topic.Name;

    public static PublishTarget OfRoom(string text, RoomTopic topic, Room? room) => new(text, topic, room, null, null);

    /// <param name="text">As the client names it.</param>
    /// <param name="below">See <see cref="DataTopic"/>.</param>
    public static PublishTarget OfData(string text, string roomId, string below, Room? room) =>
        new(text, new RoomTopic(TopicKind.Data, roomId), room, null, null) { DataTopic = below };

    public static PublishTarget OfInbox(string text, RoomTopic topic, Inbox? inbox, Account? recipient) =>
        new(text, topic, null, inbox, recipient);

    /// <param name="room">Null: there is no such room, or the position is that of whispers.</param>
    /// <param name="inbox">Null: the position is that of a room, or there is nobody of that name.</param>
    public static PublishTarget OfRead(string text, RoomTopic topic, Room? room, Inbox? inbox, Account? recipient) =>
        new(text, topic, room, inbox, recipient);

    /// <param name="conversation">Null: there is nobody of the other's name, or nobody any more.</param>
    public static PublishTarget OfReadWith(string text, RoomTopic topic, Conversation? conversation, Account? recipient) =>
        new(text, topic, null, null, recipient, conversation);

    public Verdict MayPublish(LoginSession session)
    {
        if (Topic.Kind == TopicKind.Read)
        {
            return MayMark(session);
        }

        if (Topic.Kind is TopicKind.Unread or TopicKind.Notices)
        {
            return NotForWriting;
        }

        if (Topic.Kind is TopicKind.Inbox or TopicKind.ConversationTyping)
        {
            // Whoever is banned reads nothing, and may never again: nothing is stored for them.
            // Asked each time, for a connection keeps its last target.
            return session.Scope.Rooms is not null || !session.Scope.Verbs.HasFlag(Verbs.Post) ? NoVerb
                : Recipient is not { Ban: null } ? Nobody
                : Verdict.Allowed;
        }

        // An unknown, deleted or private room gives one answer, so that nobody learns which it is.
        if (/* guard: rights at each publish */ Room is null || !RoomPolicy.MaySee(Room, session.Account.Id))
        {
            return NoSuchRoom;
        }

        if (Topic.Kind == TopicKind.Data)
        {
            return MayPublishData(session);
        }

        if (/* guard: a token's verbs, posting */ !session.Scope.Allows(Topic.Name, Verbs.Post))
        {
            return NoVerb;
        }

        return Topic.Kind switch
        {
            TopicKind.Events => Verdict.Allowed,
            TopicKind.Typing => Room.IsMember(session.Account.Id) && WhySilent(session) is null ? Verdict.Allowed : NoSuchRoom,
            _ => /* guard: topics that only the server publishes */ NotForWriting,
        };
    }

    /// <summary>
    /// What keeps somebody on the room's list from typing or from its data, where <see cref="MayPublish"/> says no: who may not write does
    /// not type. Null: it is no rule of the room.
    /// </summary>
    public PublishRefusal? WhySilent(LoginSession session) =>
        Room is not { } room || room.MembershipOf(session.Account.Id) is not { } membership ? null
        : Topic.Kind switch
        {
            TopicKind.Typing => RoomPolicy.WhyNotPost(room, membership, session.Account),
            TopicKind.Data => RoomPolicy.WhySilent(room, session.Account),
            _ => null,
        };

    private Verdict MayPublishData(LoginSession session) => !RoomPolicy.MayWriteData(Room!, session)
        || !(/* guard: topics that a token may write */ GrantedTopics.MayWrite(session.Scope, DataTopic!)) ? NoData
        : (/* guard: $SYS is the server's */ Topics.DataTopic.IsOfServer(DataTopic!)) ? NotForDevices
        : Verdict.Allowed;

    private Verdict MayMark(LoginSession session)
    {
        if (Recipient != session.Account)
        {
            return NotYourPosition;
        }

        // Whether the account has talked to whom it names so, and who may be erased by now, the disk says, later.
        if (Topic.ReadRoom is null)
        {
            return session.Scope.Rooms is null && session.Scope.Verbs.HasFlag(Verbs.Read) ? Verdict.Allowed : MayNotRead;
        }

        return Room is null || !RoomPolicy.MayHear(Room, session.Account) ? NoSuchRoom
            : session.Scope.Allows(Topic.ReadRoom, Verbs.Read) ? Verdict.Allowed
            : MayNotRead;
    }

    /// <summary>
    /// Refused for its recipient alone, who may have been there once: what was whispered then is acknowledged still, if it is sent again,
    /// and may be taken back.
    /// </summary>
    public bool WasOpen(Verdict verdict) => Topic.Kind == TopicKind.Inbox && verdict == Nobody;

    /// <summary>There is nobody of the name, or nobody any more: whom the account talked to by it, the disk says.</summary>
    public bool IsToNobody => Topic.Kind == TopicKind.Inbox && Recipient is null;

    /// <summary>A message to a public room joins its list first.</summary>
    public bool NeedsMembership(string accountId) => Topic.Kind == TopicKind.Events && Room is { } room && !room.IsMember(accountId);
}
