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
    private static readonly Verdict NoDataYet =
        Verdict.Refused(RefusalCode.NotAuthorized, "Data topics are not available in this version.");
    private static readonly Verdict NotYourPosition =
        Verdict.Refused(RefusalCode.NotAuthorized, "Only you say how far you have read: publish to users/, your own user name, and /read.");
    private static readonly Verdict MayNotRead = Verdict.Refused(RefusalCode.NotAuthorized, "This access token may not read here.");
    private static readonly Verdict NoVerb = Verdict.Refused(RefusalCode.NotAuthorized, "This access token may not post here.");

    private PublishTarget(string text, RoomTopic topic, Room? room, Inbox? inbox, Account? recipient) =>
        (TopicText, Topic, Room, Inbox, Recipient) = (text, topic, room, inbox, recipient);

    public string TopicText { get; }

    public RoomTopic Topic { get; }

    /// <summary>Null for an inbox, and for a room that does not exist.</summary>
    public Room? Room { get; }

    public Inbox? Inbox { get; }

    public Account? Recipient { get; }

    /// <summary>False: look the topic up anew.</summary>
    public bool IsCurrent => Topic.Kind switch
    {
        TopicKind.Inbox => IsRecipientCurrent,
        TopicKind.Read => IsRecipientCurrent && (Topic.ReadRoom is null || Room is { IsDeleted: false }),
        _ => Room is { IsDeleted: false },
    };

    /// <summary>Said to who whispers to nobody, and to who was heard there before somebody was banned: an id comes before that.</summary>
    public static PublishRefusal NobodyThere { get; } = new(ReasonCode.NotAuthorized, Nobody.Reason, "not_allowed");

    /// <summary>A whisper's recipient is banned or erased: whoever is reads nothing, and nothing is stored for them.</summary>
    public bool IsGone => Topic.Kind == TopicKind.Inbox && Recipient is not { Ban: null, IsErased: false };

    /// <summary>The log it is about: that of the room or the inbox. Null: there is none.</summary>
    public EventStream? Stream => Room is not null ? Room : Inbox;

    private bool IsRecipientCurrent => Recipient is { IsErased: false } recipient && recipient.UserName == Topic.Name;

    public static PublishTarget OfRoom(string text, RoomTopic topic, Room? room) => new(text, topic, room, null, null);

    public static PublishTarget OfInbox(string text, RoomTopic topic, Inbox? inbox, Account? recipient) =>
        new(text, topic, null, inbox, recipient);

    /// <param name="room">Null: there is no such room, or the position is that of whispers.</param>
    /// <param name="inbox">Null: the position is that of a room, or there is nobody of that name.</param>
    public static PublishTarget OfRead(string text, RoomTopic topic, Room? room, Inbox? inbox, Account? recipient) =>
        new(text, topic, room, inbox, recipient);

    public Verdict MayPublish(LoginSession session)
    {
        if (Topic.Kind == TopicKind.Read)
        {
            return MayMark(session);
        }

        if (Topic.Kind == TopicKind.Unread)
        {
            return NotForWriting;
        }

        if (Topic.Kind == TopicKind.Inbox)
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

        if (/* guard: a token's verbs, posting */ !session.Scope.Allows(Topic.Name, Verbs.Post))
        {
            return NoVerb;
        }

        return Topic.Kind switch
        {
            TopicKind.Events => Verdict.Allowed,
            TopicKind.Typing => Room.MembershipOf(session.Account.Id) is { } membership
                && RoomPolicy.WhyNotPost(Room, membership, session.Account) is null ? Verdict.Allowed : NoSuchRoom,
            TopicKind.Data => NoDataYet,
            _ => /* guard: topics that only the server publishes */ NotForWriting,
        };
    }

    private Verdict MayMark(LoginSession session)
    {
        if (Recipient != session.Account)
        {
            return NotYourPosition;
        }

        if (Topic.ReadRoom is null)
        {
            return session.Scope.Rooms is null && session.Scope.Verbs.HasFlag(Verbs.Read) ? Verdict.Allowed : MayNotRead;
        }

        return Room is null || !RoomPolicy.MayHear(Room, session.Account) ? NoSuchRoom
            : session.Scope.Allows(Topic.ReadRoom, Verbs.Read) ? Verdict.Allowed
            : MayNotRead;
    }

    /// <summary>
    /// Refused for its recipient alone, who was there once: what was whispered then is acknowledged still, if it is sent again.
    /// </summary>
    public bool WasOpen(Verdict verdict) => Inbox is not null && verdict == Nobody;

    /// <summary>A message to a public room joins its list first.</summary>
    public bool NeedsMembership(string accountId) => Topic.Kind == TopicKind.Events && Room is { } room && !room.IsMember(accountId);
}
