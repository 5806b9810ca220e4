using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>One stay of an account on a room's list: it ends when the account is taken off, and who comes again has another.</summary>
/// <remarks>
/// What somebody says carries the stay that it is said in, and the log thread asks for it as it numbers: so nothing has a number above
/// the event that put its author
/// out, however it was on its way. Stored, a stay is told from others by its generation.
/// </remarks>
/// <param name="isStored">False: a guest's in a public room, which ends with the program.</param>
internal sealed class Membership(MembershipRecord record, bool isStored)
{
    private volatile MembershipRecord _record = record;
    private volatile bool _hasEnded;

    /// <summary>As it is on disk, or would be.</summary>
    public MembershipRecord Record => _record;

    public bool IsStored => isStored;

    public MemberRole Role => _record.Role;

    public bool HasEnded => _hasEnded;

    /// <summary>It is on disk like this by now.</summary>
    public void Become(MembershipRecord record) => _record = record;

    public void End() => _hasEnded = true;
}
