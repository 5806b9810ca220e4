using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Notices;

/// <summary>
/// Tells accounts that they were named or answered, and what moderators did to them: a notice in the log of each, and the count of those
/// that are about messages in what is unread.
/// </summary>
/// <remarks>
/// Reads only rooms in which somebody is to be told (<see cref="NoticesDue"/>). A notice is named by what it is about
/// (<see cref="NoticeId"/>): what is done twice, after a crash or because an edit names the same again, is there once.
/// </remarks>
internal sealed partial class NoticeFollower(
    IEventLog logs,
    IRecords records,
    RoomDirectory rooms,
    AccountDirectory accounts,
    NotifyLevels levels,
    IgnoredPeople ignored,
    UnreadWatch unread,
    BrokerLimits limits,
    DiskSpace space,
    IReplication replication,
    TimeProvider time,
    ILogger<NoticeFollower> logger) : IFollower
{
    // At most as many as there are logs. One that is damaged fails again with each message.
    private readonly HashSet<LogName> _told = [];

    // How often the notices of an account could not be stored, one time after the other.
    private readonly Dictionary<LogName, int> _failed = [];

    // By who is told and who has said it: an account, or any of the guests.
    private readonly DailyBudget _ofSenders = new(limits.NoticesPerSenderPerDay, time, isStored: false);

    private readonly NoticeCut _cut = new(logs, limits, time);

    private const int ReadAtOnce = 250;

    /// <summary>So many events of a room are looked through where it is not known which are due.</summary>
    private const int LookedBack = 1_000;

    /// <summary>So often a notice is tried to be stored while all else can be.</summary>
    private const int Tries = 3;

    public string Name => "notices";

    public TimeSpan Gathers => TimeSpan.FromSeconds(1);

    // A notice that was written stays: whoever writes it again finds it.
    public Task ForgetAsync(CancellationToken cancellation) => Task.CompletedTask;

    public async Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation)
    {
        if (log.RoomKey is not { } roomKey)
        {
            return [];
        }

        try
        {
            await TellOfActsAsync(log, roomKey, cancellation);
            if (records.Find(NoticesDue.Key(log)) is { } newest)
            {
                Due due = new(newest);
                var head = logs.Head(log).Head;
                await TellAsync(log, Math.Max(1, head - LookedBack + 1), head, due, cancellation);
                await DoneAsync(log, due);
            }
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            TellLeftOut(log, error);
        }

        return [];
    }

    public async Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation)
    {
        Dictionary<LogName, Due?> due = [];
        foreach (var change in batches.ByLog().Where(change => change.Log.RoomKey is not null))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                await FollowAsync(change, due, cancellation);
            }
            catch (LogDamagedException error) when (!error.MayPass)
            {
                // Or it would never come to the others.
                TellLeftOut(change.Log, error);
            }
        }

        foreach (var (name, one) in due)
        {
            if (one is not null)
            {
                await DoneAsync(name, one);
            }
        }

        return TakeGone();
    }

    private async Task FollowAsync(LogChange change, Dictionary<LogName, Due?> due, CancellationToken cancellation)
    {
        switch (change.Kind)
        {
            case JournalKind.Append:
                if (!due.TryGetValue(change.Log, out var known))
                {
                    due[change.Log] = known = records.Find(NoticesDue.Key(change.Log)) is { } newest ? new Due(newest) : null;
                }

                if (known is not null)
                {
                    await TellAsync(change.Log, change.From, change.To, known, cancellation);
                }

                break;
            case JournalKind.Replace:
                Forget(change);
                break;
            case JournalKind.Drop:
                await records.WriteAsync([new RecordChange(NoticesDue.Key(change.Log), null)]);
                break;
        }
    }

    // What was looked through to its end has nothing that is due, also if the newest was truncated before anybody was told of it.
    // If there is a newer one by now, the journal tells of it next.
    private async Task DoneAsync(LogName name, Due due)
    {
        if (due.IsSeen || IsAtEnd(name, due.Told))
        {
            await records.WriteAsync([new RecordChange(NoticesDue.Key(name), null)], [new RecordCondition(NoticesDue.Key(name), due.Newest)]);
        }
    }

    private bool IsAtEnd(LogName name, long told)
    {
        try
        {
            return told > 0 && logs.Head(name).Head <= told;
        }
        catch (LogDamagedException)
        {
            // Nobody knows: it is looked at again with what is said next.
            return false;
        }
    }

    /// <summary>Tells of all events from one to another.</summary>
    private async Task TellAsync(LogName name, long from, long to, Due due, CancellationToken cancellation)
    {
        if (rooms.FindByKey(name.RoomKey!) is not { } room)
        {
            return;
        }

        for (var after = from - 1; after < to;)
        {
            cancellation.ThrowIfCancellationRequested();
            var page = logs.ReadAfter(name, after, (int)Math.Min(ReadAtOnce, to - after));
            foreach (var entry in page.Entries.Where(entry => entry.Seq <= to))
            {
                await TellAsync(room, entry);
                due.IsSeen |= NoticesDue.Names(due.Newest, entry.Body.Span);
            }

            if (page.Entries.Count == 0)
            {
                break;
            }

            after = page.Entries[^1].Seq;
        }

        due.Told = to;
    }

    private Task TellAsync(Room room, LogEntry entry)
    {
        if (/* guard: nobody is told of what was imported */ EventBody.IsImported(entry.Body.Span))
        {
            return Task.CompletedTask;
        }

        switch (EventBody.TypeOf(entry.Body.Span))
        {
            case EventType.Message:
                return TellAsync(room, entry, isEdit: false);
            case EventType.Edit:
                // Of the message as it is by now: what another edit took out names nobody.
                return Find(room, EventBody.OfIn(entry.Body.Span)) is { } edited && EventBody.TypeOf(edited.Body.Span) == EventType.Message
                    ? TellAsync(room, edited, isEdit: true) : Task.CompletedTask;
            case >= EventType.Kick and <= EventType.Unmute:
                return TellOfActAsync(room, entry);
            default:
                return Task.CompletedTask;
        }
    }

    private async Task TellAsync(Room room, LogEntry message, bool isEdit)
    {
        var named = EventBody.MentionsOf(message.Body.Span);
        var answered = EventBody.ReplyToOf(message.Body.Span);
        string? answeredAccount = null;
        if (answered is { } seq && Find(room, seq) is { } original && EventBody.TypeOf(original.Body.Span) == EventType.Message)
        {
            answeredAccount = original.Author;
            if (!isEdit)
            {
                await TellAsync(room, message, accounts.Find(original.Author), EventType.ReplyNotice);
            }
        }

        foreach (var user in named)
        {
            // Who is answered was told of that.
            if (accounts.FindByUserName(user) is { } account && account.Id != answeredAccount)
            {
                await TellAsync(room, message, account, EventType.MentionNotice);
            }
        }
    }

    private async Task TellAsync(Room room, LogEntry message, Account? account, EventType type)
    {
        if (account is null)
        {
            return;
        }

        var inbox = rooms.InboxOf(account);
        try
        {
            if (MayTell(room, message.Author, account)
                && await TellAsync(inbox, message, IdOf(room, message, type), id => EventBody.Notice(type, id, message.Body.Span, message.Seq)))
            {
                unread.PositionChanged(inbox, room);
            }
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            // That account is told nothing, and all others are.
            TellLeftOut(inbox.Notices.Log, error);
        }
    }

    private static NoticeId IdOf(Room room, LogEntry about, EventType type) =>
        new(room.Key, about.Seq, Encoding.ASCII.GetString(EventTypes.NameOf(type)));

    // True: it is there now, and was not before.
    private async Task<bool> TellAsync(Inbox inbox, LogEntry about, NoticeId id, Func<string, byte[]> bodyOf)
    {
        // Else one account would push out of the other's list what all others have said to it.
        // So would the guests, if each had as many: a new one costs nothing.
        var isGuest = (/* guard: notices that all guests cause an account */ accounts.Find(about.Author) is { IsGuest: true });
        var sender = $"{inbox.Owner.Id}/{(isGuest ? "guests" : about.Author)}";
        if (/* guard: notices that one account causes another */ !_ofSenders.TryTake(sender))
        {
            return false;
        }

        PendingNotice notice = new(inbox.Notices, about.Author, id, bodyOf(id.ToString()), () => space.IsLow);
        if (!inbox.Notices.TryAppend(notice))
        {
            return false;
        }

        var outcome = await notice.Done;
        if (outcome is not AppendOutcome.Stored)
        {
            _ofSenders.Give(sender);
        }

        switch (outcome)
        {
            case AppendOutcome.Stored:
                _failed.Remove(inbox.Notices.Log);
                await _cut.CutAsync(inbox.Notices.Log);
                break;
            case AppendOutcome.StoreFailed:
                await FailAsync(inbox.Notices.Log);
                break;
            case AppendOutcome.RuledOut:
                throw new IOException("A notice could not be stored, for the disk is nearly full.");
        }

        return outcome is AppendOutcome.Stored;
    }

    // A log that cannot be read takes nothing, which is so the next time, too; nor does one that fails while all else is written.
    // All else is tried again.
    private async Task FailAsync(LogName name)
    {
        _ = logs.ReadBefore(name, long.MaxValue, 1);
        if ((_failed[name] = _failed.GetValueOrDefault(name) + 1) >= Tries)
        {
            // A write that changes nothing.
            await records.WriteAsync([new RecordChange(NoticesDue.Key(name), null)]);
            throw new LogDamagedException("It takes no notice, though the store writes all else.");
        }

        throw new IOException("A notice could not be stored.");
    }

    /// <summary>The one place that decides whether somebody is told of what another has said.</summary>
    private bool MayTell(Room room, string author, Account account) =>
        account.Id != author
        && account is { IsErased: false, Ban: null }
        && /* guard: only who hears the room is told */ RoomPolicy.MayHear(room, account)
        && /* guard: who is ignored names and answers nobody */ !ignored.Ignores(account.Id, author)
        && /* guard: who wants to hear nothing is told nothing */ levels.Of(account.Id, room.Log) != NotifyLevel.Nothing;

    // What was deleted is counted no more, and what is unread is said again.
    private void Forget(in LogChange change)
    {
        if (rooms.FindByKey(change.Log.RoomKey!) is not { } room)
        {
            return;
        }

        for (var seq = change.From; seq <= change.To; seq++)
        {
            // Most are about nobody, which memory knows: whoever reads his notices from here on finds the message as it is by now.
            NoticedMessage message = new(room.Key, seq);
            if ((rooms.Notices.MayHave(message) || !replication.IsAlone) && Find(room, seq) is { } entry && EventBody.TypeOf(entry.Body.Span) == EventType.Removed)
            {
                Gone(room, message);
                NoteGone(message);
            }
        }
    }

    private void Gone(Room room, NoticedMessage message)
    {
        foreach (var told in rooms.Notices.Remove(message))
        {
            if (rooms.FindInbox(told) is { } inbox)
            {
                unread.PositionChanged(inbox, room);
            }
        }
    }

    private LogEntry? Find(Room room, long seq) =>
        logs.ReadAfter(room.Log, seq - 1, 1).Entries is [var entry] && entry.Seq == seq ? entry : null;

    private void TellLeftOut(LogName name, LogDamagedException error)
    {
        if (_told.Add(name))
        {
            LogLeftOut(logger, name, error.Message);
        }
    }

    [LoggerMessage(3710, LogLevel.Error, "Who is named or answered in {Log}, or is to be told there, is not told, for the log cannot be read: {Reason}")]
    private static partial void LogLeftOut(ILogger logger, LogName log, string reason);

    /// <summary>What of a room somebody is to be told.</summary>
    /// <param name="newest">Names the newest event of which somebody is (<see cref="NoticesDue"/>).</param>
    private sealed class Due(byte[] newest)
    {
        public byte[] Newest => newest;

        /// <summary>The newest was among those that were told of.</summary>
        public bool IsSeen { get; set; }

        /// <summary>All up to this one were told of, or are not there any more; 0: none yet.</summary>
        public long Told { get; set; }
    }
}
