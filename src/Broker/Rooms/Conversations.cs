using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What accounts say to each other: on its way into the logs, and found again.</summary>
internal sealed partial class Conversations(
    RoomDirectory directory, ConversationNames names, IgnoredPeople ignored, LeftAlone alone, IRecords records, IEventLog log, TimeProvider time, ILogger<Conversations> logger)
    : IAccountRecords
{
    // At most as many as there are malformed records.
    private readonly ConcurrentDictionary<(string, string), bool> _told = new();

    private static readonly PublishRefusal _noVerb = new(
        ReasonCode.NotAuthorized, "This access token may not post here: it is limited to rooms, or lacks the verb post.", "not_allowed");

    /// <summary>What the account and whom it calls so say to each other. Reads the disk.</summary>
    /// <returns>Null: there is nobody of that name, and nobody erased who talked to the account.</returns>
    public Conversation? Find(Account account, string user) => directory.InboxOf(account).WithUser(user);

    /// <summary>
    /// The same, if there is somebody for who asks (<see cref="IsSomebody"/>), or was. Reads the disk, off the caller's thread.
    /// </summary>
    /// <param name="known">Of who is there; null: nobody has looked who was.</param>
    public Task<Conversation?> FindSomebodyAsync(Account account, string user, Conversation? known) => Task.Run(() =>
        (known ?? Find(account, user)) is { } found
            && (/* guard: of who is banned as little is said as of nobody, positions over MQTT */ IsSomebody(found)) ? found : null);

    /// <summary>Those of the account, the newest first; but those whose record is malformed, which is said once. Reads the disk.</summary>
    public List<ConversationRecord> Of(Account account)
    {
        var all = ConversationRecord.AllOf(records, account.Id);
        foreach (var one in all.Where(one => one.IsMalformed && _told.TryAdd((account.Id, one.Other), true)))
        {
            LogMalformed(logger, account.Id, one.Other);
        }

        return [.. all.Where(one => !one.IsMalformed).OrderByDescending(one => one.At).ThenBy(one => one.Other, StringComparer.Ordinal)];
    }

    /// <summary>The account that hears what is said there; null: it is erased.</summary>
    public Account? OtherOf(Conversation conversation) => names.AccountOf(conversation.Other);

    /// <summary>The way of what one of the two says or does.</summary>
    /// <param name="other">Whom it is said to; null: the account is erased.</param>
    /// <param name="isDeletion">Heard by who ignores it, too: his clients may have what is taken back.</param>
    public ConversationWay WayOf(LoginSession session, Conversation conversation, Account? other, bool isMessage, bool isDeletion = false)
    {
        var me = session.Account;
        return new ConversationWay(
            directory.InboxOf(me),
            conversation,
            other is null || other == me ? null : directory.InboxOf(other),
            isDeletion || !ignored.Ignores(conversation.Other, me.Id),
            isMessage,
            session.Kind == LoginSessionKind.Token,
            time.GetUtcNow())
        {
            IsTaken = other is null || !isMessage
                ? () => true
                // The head is in memory by then: the log thread is about to give the next number.
                : () => alone.MayWhisper(directory, me, other, haveTalked: () => log.Head(conversation.Log).Head > 0),
        };
    }

    /// <summary>Whether what the one does in their conversation is taken: only who hears nobody takes none of it.</summary>
    public bool Takes(Account by, Account other, bool haveTalked = true) =>
        /* guard: nothing changes for who hears nobody */ alone.MayWhisper(directory, by, other, () => haveTalked);

    /// <summary>
    /// Whether anything that the account says or does is taken by whom it says it to: of who takes nothing, is banned or erased, it is told
    /// as little as of nobody. Reads the disk where that alone says it, off the caller's thread.
    /// </summary>
    public async ValueTask<bool> TakesAsync(Account by, Conversation conversation) =>
        OtherOf(conversation) is { } other
        && !IsGone(other)
        && (Takes(by, other, haveTalked: false) || (Takes(by, other) && await Task.Run(() => conversation.LogHead.Head > 0)));

    /// <summary>The way of a message to where a publish goes: to the room, or to the other.</summary>
    public ISpokenWay WayTo(PublishTarget target, LoginSession session) => target.Room is { } room ? room
        : WayOf(session, directory.InboxOf(session.Account).With(target.Recipient!), target.Recipient, isMessage: true);

    /// <summary>Null: the login session may say and do something in conversations.</summary>
    public static PublishRefusal? WhyNotPost(LoginSession session) =>
        (/* guard: a token's verbs, conversations */ session.Scope.Rooms is not null || !session.Scope.Verbs.HasFlag(Verbs.Post))
            ? _noVerb : null;

    /// <summary>Whoever is banned or erased reads nothing, and nothing is stored for them.</summary>
    public static bool IsGone(Account? account) => account is not { Ban: null, IsErased: false };

    /// <summary>
    /// Whether there is somebody for the one who asks: the other is not banned, or the two have talked. Else it is as with nobody.
    /// Reads the disk.
    /// </summary>
    public bool IsSomebody(Conversation conversation) => !IsGone(OtherOf(conversation)) || conversation.LogHead.Head > 0;

    /// <summary>
    /// Tells an account that somebody writes to it. It is stored nowhere; nor is looked up whether the two have talked, for which a disk
    /// would have to be read.
    /// </summary>
    /// <returns>False: he is told nothing, for he wants to be left alone, and may be nobody for the account.</returns>
    public bool Types(Account by, PublishTarget target) => target.Recipient is { } to && Types(by, to, target.Inbox!);

    /// <param name="inbox">Of <paramref name="to"/>.</param>
    /// <inheritdoc cref="Types(Account, PublishTarget)"/>
    public bool Types(Account by, Account to, Inbox inbox)
    {
        if (!(/* guard: nobody types to who is left alone */ alone.MayWhisper(directory, by, to, haveTalked: () => false)))
        {
            return false;
        }

        if (!ignored.Ignores(to.Id, by.Id))
        {
            inbox.Enqueue(new ConversationTypingNote(by));
        }

        return true;
    }

    // What the account and others said stays theirs, and what it and other erased ones said is nobody's any more.
    public async Task ForgetAsync(string account)
    {
        foreach (var one in ConversationRecord.AllOf(records, account))
        {
            // Who has no record of it never found it, for he ignored the account, and nobody finds it from now on.
            if (one.Other == account
                || names.AccountOf(one.Other) is null
                || /* guard: what nobody finds any more is dropped */ records.Find(ConversationRecord.Key(one.Other, account)) is null)
            {
                // guard: what two said goes with the second of them
                await log.DropAsync(LogName.OfConversation(account, one.Other));
                await records.WriteAsync([new RecordChange(ConversationRecord.Key(one.Other, account), null)]);
            }

            await records.WriteAsync([new RecordChange(ConversationRecord.Key(account, one.Other), null)]);
        }
    }

    [LoggerMessage(3703, LogLevel.Error, "The conversation of the accounts {Account} and {Other} is left out of the list of the first, for its record is malformed")]
    private static partial void LogMalformed(ILogger logger, string account, string other);
}
