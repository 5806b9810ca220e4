using System.Text;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>Takes over who is kicked, banned or muted where, as other nodes have written it (ADR 0086).</summary>
/// <remarks>Called on the thread that numbers alone.</remarks>
internal sealed class HeardRestraints(RoomDirectory directory, BanEnds ends, AddressBans addresses, IRoomClients clients, IReplication replication)
{
    private const string ByRoom = "out/";

    public void Listen()
    {
        replication.HearRecords(ByRoom, Heard);
        replication.HearRecords("oa/", addresses.Heard);
        replication.HearRecords("ok", addresses.Heard);
    }

    private void Heard(RecordChange change)
    {
        var account = MembershipRecord.SecondOf(change.Key);
        var key = Encoding.ASCII.GetString(change.Key.AsSpan(ByRoom.Length, change.Key.Length - ByRoom.Length - account.Length - 1));
        if (directory.FindByKey(key) is not { } room)
        {
            ends.Set(key, account, null);
            return;
        }

        var wasBanned = room.Restraints.BanOf(account) is not null;
        if (change.Value is { } value)
        {
            room.Restraints.Restore(account, /* guard: a restraint of another node that cannot be read keeps out */ Restraint.Read(value) ?? Restraint.Unreadable, value);
        }
        else
        {
            room.Restraints.Become(account, null);
        }

        var ban = room.Restraints.BanOf(account);
        ends.Set(key, account, ban?.Until);
        if (wasBanned != ban is not null && clients.IsConnected(account))
        {
            // Whoever watches the info of a public room without being on its list.
            replication.Owe(Task.Run(async () =>
            {
                await room.OpenAsync();
                clients.Place(account, room, replay: ban is null);
            }));
        }
    }
}
