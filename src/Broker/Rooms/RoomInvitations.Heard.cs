using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <content>What other nodes have written of them (ADR 0086).</content>
internal sealed partial class RoomInvitations
{
    /// <summary>
    /// Somebody was asked into a room, has declined, is in, or is asked no more. Who is asked hears of it on his clients here.
    /// </summary>
    public void HeardInvitation(ReplicatedDocument document)
    {
        var (key, account) = RoomStore.PartsOf(document.Id);
        if (document.IsDeleted)
        {
            _invitations.Remove(key, account);
            return;
        }

        var invitation = RoomStore.ReadInvitation(document.Id, document.Json);
        var isNew = _invitations.Find(key, account) is not { } before || before.At != invitation.At;
        _invitations.Put(invitation);
        if (isNew && !invitation.IsDeclined && directory.FindByKey(key) is { } room && accounts.Find(invitation.By) is { } by)
        {
            Tell(invitation, room, by);
        }
    }

    /// <summary>What is left of the day of who asks.</summary>
    public void HeardInviter(ReplicatedDocument document)
    {
        if (!document.IsDeleted)
        {
            _asks.Restore(document.Id, RoomStore.ReadInviter(document.Id, document.Json));
        }
    }
}
