using System.Runtime.CompilerServices;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Devices;

/// <summary>A client that is kept holds the filter of a group: so long the group is kept too.</summary>
internal sealed record DataGroupHold(DataGroups Groups, Room Room, DataGroup Group, DataGroupName Name, LoginSession Session)
{
    public bool Equals(DataGroupHold? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}
