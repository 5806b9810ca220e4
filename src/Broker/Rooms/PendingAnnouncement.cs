using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>A join or leave on its way into the log and then to the members.</summary>
/// <param name="payer">
/// Whoever can make others store by coming and going; null: a rush, which is a few events a second however many come and go.
/// </param>
/// <param name="space">The disk: presence is current without its events, so they are the first to be left out.</param>
/// <param name="shared">Who is here with other nodes: asked whether it is still due when it gets its number; null: there are none.</param>
internal sealed class PendingAnnouncement(Room room, Announcement said, StorageQuota? payer, DiskSpace space, SharedPresence? shared)
    : PendingAppend(
        room.Log, said.First.AccountId, null, default, EventBody.Presence(said.Type, said.First, EventBody.NewId(), said.Others, said.More)),
    IStreamEvent
{
    private int _paid;
    private bool _isNoted;
    private bool _isLate;

    public PendingAppend Append => this;

    public ulong PublisherMark => 0;

    public string? Line() => null;

    public void Answer(List<IMember> touched)
    {
        // Nobody waits for it. A store that does not write says nothing: presence itself is current all the same.
    }

    protected internal override bool MayBeStored(int bytes)
    {
        if (space.IsLow || /* guard: joins and leaves within the quota */ payer?.TryTake(bytes, out _) == false)
        {
            return false;
        }

        if (/* guard: joins and leaves of several nodes, each once */ shared is not null && !_isNoted && !room.TrySay(shared, said))
        {
            _isLate = true;
            payer?.GiveBack(bytes);
            return false;
        }

        (_paid, _isNoted) = (payer is null ? 0 : bytes, true);
        return true;
    }

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.StoreFailed)
        {
            payer?.GiveBack(_paid);
            if (_isNoted && shared is not null)
            {
                room.TakeBack(shared, said);
            }
        }

        if (_isLate)
        {
            room.SayWhoIsLeft(said);
        }

        room.Add(this);
    }

    internal override void Proceed(bool mayWork) => room.Schedule(mayWork);
}
