using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Tells who looks after a room that there is something to decide, and who has asked what became of it: by notices that are about no
/// event of the room. What is to be decided is stored elsewhere, so one that a crash or a full disk takes hides nothing (ADR 0077).
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class HostNotices(
    IEventLog logs,
    RoomDirectory rooms,
    AccountDirectory accounts,
    IgnoredPeople ignored,
    NotifyLevels levels,
    DiskSpace space,
    BrokerLimits limits,
    TimeProvider time)
{
    /// <summary>A room may make a moderator of everybody: so many are told, the owner and who came first.</summary>
    private const int MostTold = 50;

    private static readonly Author _nobody = new("", "", "", "person");

    private readonly NoticeCut _cut = new(logs, limits, time);

    /// <summary>Tells those who may decide; the administrators, if there is nobody in the room who may.</summary>
    /// <param name="of">What the notice's id is made of: what is told twice by one account is there once.</param>
    /// <param name="mayDecide">Of somebody who looks after the room.</param>
    public async Task TellHostsAsync(
        Room room, EventType type, Account from, long of, Func<Account, bool> mayDecide, Action<Utf8JsonWriter>? writeMore = null)
    {
        foreach (var host in HostsOf(room, account => account != from && mayDecide(account)))
        {
            if (/* guard: who is ignored tells no moderator anything */ !ignored.Ignores(host.Id, from.Id)
                && levels.Of(host.Id, room.Log) != NotifyLevel.Nothing)
            {
                await TellAsync(room, host, from.Id, type, ModerationWords.AuthorOf(from), of, writeMore);
            }
        }
    }

    /// <summary>Tells who has asked, if he may still know of the room; not who has decided.</summary>
    public Task AnswerAsync(Room room, Account whom, EventType type, long of, Action<Utf8JsonWriter>? writeMore = null) =>
        whom is { IsErased: false, Ban: null } && (/* guard: who is out of a private room is answered nothing */ RoomPolicy.MaySee(room, whom.Id))
            ? TellAsync(room, whom, whom.Id, type, _nobody, of, writeMore) : Task.CompletedTask;

    private List<Account> HostsOf(Room room, Func<Account, bool> mayDecide)
    {
        List<Account> hosts =
        [
            .. room.Members
                .Where(one => one.Value.Role >= MemberRole.Moderator && one.Key != room.OwnerId)
                .OrderBy(one => one.Value.Record.Since ?? DateTimeOffset.MinValue)
                .Select(one => one.Key)
                .Prepend(room.OwnerId)
                .Select(id => id is null ? null : accounts.Find(id))
                .OfType<Account>()
                .Where(account => account is { IsErased: false, Ban: null } && mayDecide(account))
                .Take(MostTold),
        ];
        return hosts.Count > 0 ? hosts : [.. accounts.All
            .Where(account => account is { IsErased: false, Ban: null, Profile.IsAdministrator: true } && mayDecide(account)).Take(MostTold)];
    }

    private async Task TellAsync(
        Room room, Account whom, string causedBy, EventType type, Author from, long of, Action<Utf8JsonWriter>? writeMore)
    {
        NoticeId id = new(room.Key, of, System.Text.Encoding.ASCII.GetString(EventTypes.NameOf(type)));
        var body = EventBody.Notice(type, id.ToString(), from, writer =>
        {
            writeMore?.Invoke(writer);
            writer.WriteString("title"u8, room.Record.Title);
        });
        var notices = rooms.InboxOf(whom).Notices;
        PendingNotice notice = new(notices, causedBy, id, body, () => space.IsLow);
        if (notices.TryAppend(notice) && await notice.Done is AppendOutcome.Stored)
        {
            try
            {
                await _cut.CutAsync(notices.Log);
            }
            catch (IOException)
            {
                // It is cut with the next.
            }
        }
    }
}
