using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Reports;

/// <summary>What became of a report, or of deciding one.</summary>
internal enum ReportOutcome
{
    Done,

    /// <summary>This account has reported this message, and nobody has decided.</summary>
    Before,

    NoSuchRoom,

    /// <summary>There is no message of that number.</summary>
    NoSuchEvent,

    /// <summary>The message was deleted.</summary>
    Removed,

    /// <summary>It is of who asks.</summary>
    IsOwn,

    TooMany,
    TriedTooOften,
    OverQuota,

    /// <summary>There is none of that id, or it is not for who asks.</summary>
    NoSuchReport,

    /// <summary>Somebody else has decided it otherwise.</summary>
    Decided,

    /// <summary>Who decides is muted in the room, and writes no note.</summary>
    Muted,
}

/// <summary>What is reported in rooms, to whom it is shown, and who decides (ADR 0077).</summary>
/// <remarks>
/// Nothing is in memory but what an account has used of its day. Thread-safe. Who writes shares the room's turn, then holds that of the
/// reports of the room. Calls that write fail with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed class RoomReports(
    IRecords records,
    IEventLog log,
    RoomDirectory directory,
    AccountDirectory accounts,
    HostNotices notices,
    AuditPlaces audits,
    StorageQuotas quotas,
    BrokerLimits limits,
    TimeProvider time,
    ITurns? nodeTurns = null) : IRoomRecords
{
    public const int ReasonLength = 500;

    /// <summary>Of one account in one room, of which nobody has decided: a few accounts do not fill a room's.</summary>
    public const int OpenPerAccount = 5;

    private const int PerPage = 50;

    // By the key of a room: of two reports at once, the second counts the first.
    private readonly AccountTurns _rooms = AccountTurns.Of(nodeTurns, "reports/");

    /// <summary>How many reports each account may still make today.</summary>
    public DailyBudget Made { get; } = new(limits.ReportsPerDay, time, isStored: false);

    /// <summary>Keeps a message as it is now, and tells who looks after the room.</summary>
    /// <param name="reason">At most <see cref="ReasonLength"/> characters, as it is stored.</param>
    /// <returns>The report; null where there is none.</returns>
    public async Task<(ReportOutcome Outcome, Report? Report)> MakeAsync(Room room, LoginSession who, long seq, string reason)
    {
        Report report;
        using (await room.Turns.ShareAsync())
        using (await _rooms.EnterAsync(room.Key))
        {
            var account = who.Account;
            if (account.IsErased || !(/* guard: who reads a message reports it */ RoomPolicy.MayRead(room, account)))
            {
                return (ReportOutcome.NoSuchRoom, null);
            }

            var said = log.ReadAfter(room.Log, seq - 1, 1).Entries is [var entry] && entry.Seq == seq ? entry : default;
            switch (EventBody.TypeOf(said.Body.Span))
            {
                case EventType.Message:
                    break;
                case EventType.Removed:
                    return (ReportOutcome.Removed, null);
                default:
                    return (ReportOutcome.NoSuchEvent, null);
            }

            if (said.Author == account.Id)
            {
                return (ReportOutcome.IsOwn, null);
            }

            var all = Stored(room.Key, "").ToList();
            if (all.Find(one => one.IsOpen && one.Seq == seq
                && /* guard: one report of a message by one account */ one.From == account.Id) is { } before)
            {
                return (ReportOutcome.Before, before);
            }

            if (!TryMakeRoom(all, account, out var over)
                || /* guard: open reports of one account in one room */ all.Count(one => one.IsOpen && one.From == account.Id) >= OpenPerAccount)
            {
                return (ReportOutcome.TooMany, null);
            }

            if (/* guard: reports a day */ !Made.TryTake(account.Id))
            {
                return (ReportOutcome.TriedTooOften, null);
            }

            var at = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
            var author = EventBody.AuthorOf(said.Body.Span);
            report = new Report(
                room.Key, AuditRecord.PlaceAt(at), seq, said.Author, AuditPerson.Of(author), EventBody.SaidIn(said.Body.Span).Text, reason,
                account.Id, account.IsGuest, at);
            var (quota, bytes) = (quotas.Of(who), 2 * report.Key().Length + report.Value().Length);
            if (/* guard: reports are paid for */ !quota.TryTake(bytes, out _))
            {
                Made.Give(account.Id);
                return (ReportOutcome.OverQuota, null);
            }

            try
            {
                await records.WriteAsync(
                    [.. over.SelectMany(RemovalsOf), new(report.Key(), report.Value()), new(Report.IndexKey(room.Key, report.Id), [])]);
            }
            catch
            {
                Made.Give(account.Id);
                quota.GiveBack(bytes);
                throw;
            }
        }

        var authorOf = accounts.Find(report.AuthorId);
        await notices.TellHostsAsync(
            room, EventType.ReportNotice, who.Account, seq, host => RoomPolicy.MayJudge(room, host, authorOf),
            writer => writer.WriteNumber("of"u8, seq));
        return (ReportOutcome.Done, report);
    }

    /// <summary>How long an account that has reported too many waits for the next.</summary>
    public TimeSpan WaitForNext(Account account) => Made.WaitOf(account.Id);

    /// <summary>Those of a room that an account may see, the newest first. Reads the disk as they are taken.</summary>
    /// <param name="before">The id of the last of the page before; null: from the newest.</param>
    public IEnumerable<Report> Of(Room room, Account judge, string? before) =>
        Stored(room.Key, before ?? "").Where(one => MaySee(room, judge, one));

    /// <summary>Those of all rooms, the newest first.</summary>
    /// <param name="cursor">The id of the last of the page before; null: from the newest.</param>
    public IEnumerable<(Room Room, Report Report)> OfAll(Account judge, string? cursor)
    {
        // Behind all of that id.
        byte[] last = cursor is null ? [] : [.. Report.IndexPrefix, .. System.Text.Encoding.ASCII.GetBytes(cursor + "/~")];
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        do
        {
            page = records.ReadPage(Report.IndexPrefix, last, PerPage);
            foreach (var (key, _) in page)
            {
                last = key;
                if (Report.InIndex(key) is { Room: not null } place
                    && directory.FindByKey(place.Room) is { IsDeleted: false } room
                    && Find(place.Room, place.Id) is { } report
                    && MaySee(room, judge, report))
                {
                    yield return (room, report);
                }
            }
        }
        while (page.Count == PerPage);
    }

    /// <summary>Says what became of a report. Who made it is told that it was looked at, and no more.</summary>
    /// <param name="note">For who looks after the room, in what is kept of who did what; null: none.</param>
    public async Task<ReportOutcome> DecideAsync(Room room, string id, Account by, bool isActed, string? note)
    {
        Report report;
        using (await room.Turns.ShareAsync())
        using (await _rooms.EnterAsync(room.Key))
        {
            if (room.IsDeleted || !AuditRecord.IsPlace(id) || Find(room.Key, id) is not { } found
                || !(/* guard: who decides a report is looked at again */ MaySee(room, by, found)))
            {
                return ReportOutcome.NoSuchReport;
            }

            if (found.IsActed is { } before)
            {
                return before == isActed ? ReportOutcome.Done : ReportOutcome.Decided;
            }

            if (note is not null && /* guard: who is muted writes no notes */ RoomPolicy.WhyMuted(room, by) is not null)
            {
                return ReportOutcome.Muted;
            }

            report = found with { IsActed = isActed, DecidedBy = by.Id, DecidedAt = time.GetUtcNow() };
            if (!await audits.WriteAsync(room.Key, EntryOf(room, report, by, note), by, async audit =>
                await records.WriteAsync([new(report.Key(), report.Value()), audit], [new(found.Key(), found.Value())]) is WriteOutcome.Written))
            {
                return ReportOutcome.Decided;
            }
        }

        if (accounts.Find(report.From) is { } reporter)
        {
            await notices.AnswerAsync(room, reporter, EventType.ReportedNotice, report.Seq, writer => writer.WriteNumber("of"u8, report.Seq));
        }

        return ReportOutcome.Done;
    }

    public Task ForgetRoomAsync(string roomKey) => records.WriteInPartsAsync(
        records.ReadAll(Report.PrefixOf(roomKey)).SelectMany(one => RemovalsOf(roomKey, IdIn(one.Key))));

    /// <summary>Removes what is over, of all rooms.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        byte[] last = [];
        do
        {
            cancellation.ThrowIfCancellationRequested();
            page = records.ReadPage(Report.Prefix, last, PerPage);
            List<RecordChange> gone = [];
            foreach (var (key, value) in page)
            {
                last = key;
                if (Report.Read(key, value) is { } report && IsOver(report))
                {
                    gone.AddRange(RemovalsOf(report));
                }
            }

            if (gone.Count > 0)
            {
                await records.WriteAsync(gone);
            }
        }
        while (page.Count == PerPage);
    }

    private static RecordChange[] RemovalsOf(Report report) => RemovalsOf(report.Room, report.Id);

    private static RecordChange[] RemovalsOf(string room, string id) =>
        [new(Report.Key(room, id), null), new(Report.IndexKey(room, id), null)];

    private static string IdIn(byte[] key) => MembershipRecord.SecondOf(key);

    // Moderators read what was done: one who was reported himself learns nothing of it there.
    private AuditRecord EntryOf(Room room, Report report, Account by, string? note)
    {
        var type = report.IsActed == true ? "acted" : "dismissed";
        var isOfHost = accounts.Find(report.AuthorId) is { } author && RoomPolicy.IsHost(room, author);
        return (/* guard: what was decided of a moderator is not told to him */ isOfHost)
            ? new AuditRecord(type, AuditPerson.Of(by))
            : new AuditRecord(type, AuditPerson.Of(by), report.Author, note, Of: report.Seq);
    }

    // What is decided makes room for what is not.
    private bool TryMakeRoom(List<Report> all, Account account, out List<Report> over)
    {
        over = [];
        if (limits.ReportsPerRoom is not (> 0 and var most))
        {
            return true;
        }

        if (account.IsGuest && /* guard: reports by guests */ all.Count(one => one.IsOpen && one.IsByGuest) >= (most + 1) / 2)
        {
            return false;
        }

        var surplus = all.Count + 1 - most;
        over = [.. all.Where(one => !one.IsOpen).OrderBy(one => one.DecidedAt).Take(Math.Max(0, surplus))];
        return /* guard: reports of a room */ over.Count >= surplus;
    }

    private bool MaySee(Room room, Account judge, Report report) => RoomPolicy.MayJudge(room, judge, accounts.Find(report.AuthorId));

    private Report? Find(string room, string id) =>
        records.Find(Report.Key(room, id)) is { } value && Report.Read(Report.Key(room, id), value) is { } report && !IsOver(report)
            ? report : null;

    private IEnumerable<Report> Stored(string room, string after)
    {
        var prefix = Report.PrefixOf(room);
        byte[] last = after.Length == 0 ? [] : Report.Key(room, after);
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        do
        {
            page = records.ReadPage(prefix, last, PerPage);
            foreach (var (key, value) in page)
            {
                last = key;
                if (Report.Read(key, value) is { } report && !IsOver(report))
                {
                    yield return report;
                }
            }
        }
        while (page.Count == PerPage);
    }

    private bool IsOver(Report report) => time.GetUtcNow() >= /* guard: how long a report is kept */ report.Until;
}
