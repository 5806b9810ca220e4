using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Admin;

/// <summary>What administrators and the operator have done to the server, its accounts and its rooms, the newest first.</summary>
/// <remarks>
/// Beside what was done in rooms (<see cref="AuditRecord"/>), under a name that no room has: so it is in one order with itself, is as many
/// and becomes as old (`AuditPerRoom`, `AuditDays`), or as the defaults of these say, if that is more. Names are those of then.
/// </remarks>
internal sealed class ServerAudit(IRecords records, AuditPlaces places, LeftBehind left, IReplication replication)
{
    /// <summary>No id and no key of a room begins so.</summary>
    internal const string Key = "-server";

    /// <summary>It was done, and is noted; what the disk does not take then is told to the operator by the log.</summary>
    /// <param name="target">A user name, the id of a room, or the name of a setting; null: the server.</param>
    /// <param name="detail">In the words of who did it, or what changed to what; null: nothing.</param>
    public Task NoteAsync(AdminActor by, string act, string? target = null, string? detail = null, DateTimeOffset? until = null)
    {
        var author = by.Session is null ? AuditPerson.Operator : AuditPerson.Of(by.Session.Account);
        AuditRecord record = new(act, author, target is null ? null : new AuditPerson(target, target, ""), detail, until);
        return left.TryAsync(() => replication.IsAlone ? WriteAsync(record) : WriteAmongOthersAsync(record));
    }

    private async Task WriteAsync(AuditRecord record) => await records.WriteAsync([await places.PlaceAsync(Key, record)]);

    // Another node may have noted something in the same millisecond: that place is taken, and the next one is this one's.
    private async Task WriteAmongOthersAsync(AuditRecord record)
    {
        RecordChange change;
        do
        {
            change = await places.PlaceAsync(Key, record);
        }
        while (await records.WriteAsync([change], [new RecordCondition(change.Key, null)]) == WriteOutcome.Conflict);
    }

    /// <param name="before">What the page before ended with; null: the first.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public AuditEntries Page(string? before, int most)
    {
        var prefix = AuditRecord.PrefixOf(Key);
        var page = records.ReadPage(prefix, before is null ? [] : [.. prefix, .. Encoding.ASCII.GetBytes(before)], most + 1);
        var shown = page.Take(most).Select(one => (Place: AuditRecord.PlaceOf(one.Key), Record: AuditRecord.Read(one.Value))).ToList();
        return new AuditEntries(
            [.. shown.Where(one => one.Record is not null && AuditRecord.IsPlace(one.Place)).Select(one => EntryOf(one.Place, one.Record!))],
            page.Count > most ? shown.Select(one => one.Place).LastOrDefault(AuditRecord.IsPlace) : null);
    }

    private static AuditEntry EntryOf(string place, AuditRecord record) => new(
        Timestamps.Format(AuditRecord.AtOf(place)),
        record.By.User,
        record.Type,
        record.Target?.User,
        record.Reason,
        record.Until is { } until ? Timestamps.Format(until) : null);
}
