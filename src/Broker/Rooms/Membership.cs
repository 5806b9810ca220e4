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
    // What never changes of a stay, in few bytes: there may be a million of them.
    private readonly long _since = record.Since?.ToUnixTimeMilliseconds() ?? long.MinValue;
    private readonly ulong _generation = record.Generation;
    private volatile MemberStanding _standing = MemberStanding.Of(record);
    private volatile bool _hasEnded;

    /// <summary>As it is on disk, or would be.</summary>
    public MembershipRecord Record
    {
        get
        {
            var standing = _standing;
            return new MembershipRecord(standing.Role, standing.IsListed, Since, standing.MutedUntil, _generation);
        }
    }

    /// <summary>Null: since version 0.1, which did not write it down.</summary>
    public DateTimeOffset? Since => _since == long.MinValue ? null : DateTimeOffset.FromUnixTimeMilliseconds(_since);

    public bool IsStored => isStored;

    public MemberRole Role => _standing.Role;

    public bool HasEnded => _hasEnded;

    /// <summary>It is on disk like this by now, and is the same stay.</summary>
    public void Become(MembershipRecord record) => _standing = MemberStanding.Of(record);

    public void End() => _hasEnded = true;
}

/// <summary>What of a stay can change. Nearly all stays share one of few.</summary>
internal sealed record MemberStanding(MemberRole Role, bool IsListed, DateTimeOffset? MutedUntil)
{
    private static readonly MemberStanding[] _listed =
        [.. Enumerable.Range(0, (int)Enum.GetValues<MemberRole>().Max() + 1).Select(role => new MemberStanding((MemberRole)role, IsListed: true, null))];

    public static MemberStanding Of(MembershipRecord record) => record is { IsListed: true, MutedUntil: null }
        ? _listed[(int)record.Role]
        : new MemberStanding(record.Role, record.IsListed, record.MutedUntil);
}
