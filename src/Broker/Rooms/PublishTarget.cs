using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Rooms;

/// <summary>Where a PUBLISH goes: the room or inbox behind a topic. Connections keep the last one, so rights are asked anew each time.</summary>
internal sealed class PublishTarget : IPublishTarget
{
    private static readonly Verdict NoSuchRoom = Verdict.Refused(RefusalCode.NotAuthorized, "There is no such room, or it is not open to you.");
    private static readonly Verdict NotForWriting = Verdict.Refused(RefusalCode.NotAuthorized, "Only the server publishes to this topic. Messages go to rooms/{room}.");
    private static readonly Verdict NoDataYet = Verdict.Refused(RefusalCode.NotAuthorized, "Data topics are not available in this version.");
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
    public bool IsCurrent => Topic.Kind == TopicKind.Inbox ? Recipient is { IsErased: false } recipient && recipient.UserName == Topic.Name : Room is { IsDeleted: false };

    public static PublishTarget OfRoom(string text, RoomTopic topic, Room? room) => new(text, topic, room, null, null);

    public static PublishTarget OfInbox(string text, RoomTopic topic, Inbox? inbox, Account? recipient) => new(text, topic, null, inbox, recipient);

    public Verdict MayPublish(LoginSession session)
    {
        if (Topic.Kind == TopicKind.Inbox)
        {
            return Recipient is null ? Verdict.Refused(RefusalCode.NotAuthorized, "There is nobody of that user name.")
                : session.Scope.Rooms is not null || !session.Scope.Verbs.HasFlag(Verbs.Post) ? NoVerb
                : Verdict.Allowed;
        }

        // An unknown, deleted or private room gives one answer, so that nobody learns which it is.
        if (Room is null || !Room.IsVisibleTo(session.Account.Id))
        {
            return NoSuchRoom;
        }

        if (!session.Scope.Allows(Topic.Name, Verbs.Post))
        {
            return NoVerb;
        }

        return Topic.Kind switch
        {
            TopicKind.Events => Verdict.Allowed,
            TopicKind.Typing => Room.IsMember(session.Account.Id) ? Verdict.Allowed : NoSuchRoom,
            TopicKind.Data => NoDataYet,
            _ => NotForWriting,
        };
    }

    /// <summary>A message to a public room joins its list first.</summary>
    public bool NeedsMembership(string accountId) => Topic.Kind == TopicKind.Events && Room is { } room && !room.IsMember(accountId);
}
