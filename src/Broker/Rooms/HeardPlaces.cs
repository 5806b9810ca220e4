using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>Takes over who is on the lists of rooms, and with which role, as other nodes have written it (ADR 0086).</summary>
/// <remarks>
/// Called on the thread that numbers alone. Who is off a list has no right there from that moment on; that his clients here hear nothing
/// more is owed.
/// </remarks>
internal sealed class HeardPlaces(
    RoomDirectory directory, AccountDirectory accounts, IUnreadListeners unread, IRoomClients clients, IKeptClients kept, IReplication replication)
{
    // The maker's place is written before his room. One room at a time is made, for who makes one has the turn of all rooms:
    // so what waits for another room is left over from a room that did not come about.
    private (string Room, string Account, MembershipRecord Record)? _awaitsRoom;

    // Of the batch that is being heard: who lost which room, and in which rooms somebody is noted as having done something.
    private readonly List<(Room Room, string Account)> _lost = [];
    private readonly HashSet<string> _done = [];

    public void Listen()
    {
        replication.HearRecords("m/", Heard);
        replication.HearRecords(Encoding.ASCII.GetString(AuditRecord.Prefix), change => _done.Add(AuditRecord.RoomOf(change.Key)));
        replication.HearEnd(End);
    }

    /// <summary>Another node has made a room; its maker is on its list.</summary>
    public void Enter(Room room)
    {
        if (_awaitsRoom is { } maker && maker.Room == room.Key)
        {
            Become(room, maker.Account, maker.Record);
        }

        // Nobody finds it before it has its maker.
        _awaitsRoom = null;
        directory.Enter(room);
    }

    private void Heard(RecordChange change)
    {
        var account = MembershipRecord.FirstIn(change.Key, "");
        var key = MembershipRecord.SecondOf(change.Key);

        // What cannot be read opens nothing.
        var record = MembershipRecord.TryRead(change.Value, out var read) ? read : null;
        if (directory.FindByKey(key) is { } room)
        {
            Become(room, account, record);
        }
        else
        {
            _awaitsRoom = record is null ? null : (key, account, record);
        }
    }

    private void Become(Room room, string accountId, MembershipRecord? record)
    {
        var place = room.MembershipOf(accountId);
        if (place is not null && (record is not { IsListed: true } || record.Generation != place.Record.Generation))
        {
            Remove(room, accountId);
            place = null;
        }

        if (record is { IsListed: true } && place is not null)
        {
            place.Become(record);
        }
        else if (record is { IsListed: true } && accounts.Find(accountId) is { } account)
        {
            Add(room, account, record);
        }

        if (record is { Role: Events.MemberRole.Owner } && room.OwnerId != accountId)
        {
            directory.BelongTo(room, accounts.Find(accountId)?.Id ?? accountId);
        }
        else if (record is null && room.OwnerId == accountId)
        {
            // Handed over, and to whom is heard next; or to nobody.
            room.BelongTo(null);
            directory.RemoveMember(room, accountId);
        }
    }

    private void Add(Room room, Account account, MembershipRecord record)
    {
        directory.AddMember(room, account.Id, new Membership(record, isStored: true));
        room.AddressBans.Stays?.Note(account, room.IsMember);
        if (account.IsGuest && /* guard: guests a minute, on all nodes */ room.Record.Policy.Guard.GuestsPerMinute > 0)
        {
            room.Guard.LetIn(account.Id);
        }

        replication.Owe(Task.Run(async () =>
        {
            // Its log is open before a lock is taken.
            await room.OpenAsync();
            clients.Place(account.Id, room, replay: true);
            kept.HeardJoined(account.Id, room);
        }));
    }

    private void Remove(Room room, string accountId)
    {
        clients.Removed(accountId, room);
        directory.RemoveMember(room, accountId);
        if (accounts.Find(accountId) is { } account)
        {
            room.AddressBans.Stays?.Note(account, room.IsMember);
        }

        _lost.Add((room, accountId));
        replication.Owe(Task.Run(async () =>
        {
            // guard: who was put out by another node leaves his place
            clients.Place(accountId, room, replay: false);
            await kept.HeardLostAsync(accountId, room);
        }));
    }

    // Who leaves by himself is noted nowhere as having been put out.
    private void End()
    {
        foreach (var (room, account) in _lost)
        {
            unread.Lost(room, account, _done.Contains(room.Key) ? RoomLoss.Removed : RoomLoss.Left);
        }

        _lost.Clear();
        _done.Clear();
    }
}
