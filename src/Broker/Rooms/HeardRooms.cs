using System.Text;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>Takes over which rooms there are and how they are, as other nodes have made, changed and deleted them (ADR 0086).</summary>
/// <remarks>
/// Called on the thread that numbers alone: it changes memory by the same steps as who does it on this node. What is written beside, and
/// who is told by what is stored, is that node's.
/// </remarks>
internal sealed class HeardRooms(
    RoomDirectory directory, RoomActs acts, RoomEndings endings, RoomIds ids, RoomInvitations invitations, HeardPlaces places, IReplication replication)
{
    private const string Changed = "room/";

    public void Listen()
    {
        replication.HearDocuments(RoomStore.Rooms, Heard);
        replication.HearDocuments(RoomStore.Former, HeardFormer);
        replication.HearDocuments(RoomStore.Invitations, invitations.HeardInvitation);
        replication.HearDocuments(RoomStore.Inviters, invitations.HeardInviter);
        replication.HearRecords(Changed, HeardChange);
        replication.HearRecords("p/r/", HeardPins);
    }

    private void Heard(ReplicatedDocument document)
    {
        if (!document.IsDeleted)
        {
            Become(RoomStore.Read(document.Id, document.Json));
        }
        else if (directory.FindByKey(document.Id) is { } room)
        {
            endings.HeardGone(room);
        }
    }

    private void HeardFormer(ReplicatedDocument document)
    {
        if (document.IsDeleted)
        {
            ids.Remove(document.Id);
        }
        else
        {
            endings.Heard(RoomStore.ReadFormer(document.Id, document.Json));
        }
    }

    // Before the document, which follows: of both the one that was changed more often is right.
    private void HeardChange(RecordChange change)
    {
        var key = Encoding.ASCII.GetString(change.Key.AsSpan(Changed.Length));
        if (change.Value is { } value && directory.FindByKey(key) is not null)
        {
            Become(RoomStore.Read(key, value));
        }
    }

    private void HeardPins(RecordChange change) =>
        directory.FindByKey(Encoding.ASCII.GetString(change.Key.AsSpan("p/r/".Length)))?.PinsKnown.MayBeSome();

    private void Become(RoomRecord record)
    {
        if (directory.FindByKey(record.Key) is not { } room)
        {
            places.Enter(directory.Build(record));
            return;
        }

        var before = room.Record;
        if (record.Revision > before.Revision)
        {
            room.Become(record);
            replication.Owe(Task.Run(() => BecameAsync(room, before, record)));
        }
    }

    private async Task BecameAsync(Room room, RoomRecord before, RoomRecord record)
    {
        try
        {
            // Its log is open before a lock is taken.
            await room.OpenAsync();
        }
        catch (IOException)
        {
            // What cannot be read has no places but those that end now.
        }

        acts.Became(room, before, record);
    }
}
