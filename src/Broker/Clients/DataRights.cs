using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>What is asked of data topics when a client comes.</summary>
internal static class DataRights
{
    /// <summary>Whether the client may come in with the mount of its token, or without one.</summary>
    public static Verdict MayEnter(LoginSession session, bool isBridge, RoomDirectory rooms)
    {
        if (session.Scope.Mount is not { } mount)
        {
            // Refused, mosquitto's bridge asks again without the bit.
            return (/* guard: no echo for who counts on none */ isBridge)
                ? Verdict.Refused(ReasonCode.UnsupportedProtocolVersion, "This server speaks MQTT 3.1.1 and 5.")
                : Verdict.Allowed;
        }

        return rooms.Find(mount) is { } room && room.IsMember(session.Account.Id) ? Verdict.Allowed
            : Verdict.Refused(RefusalCode.NotAuthorized, "The room that this access token is for is not open to its account.");
    }

    /// <summary>Whether there is a room whose data it may write. Asked at CONNECT, whose answer says how long a packet may be.</summary>
    public static bool MayWriteSomewhere(LoginSession session, RoomDirectory rooms) => session.Scope.Mount is { } mount
        ? rooms.Find(mount) is { } room && RoomPolicy.MayWriteData(room, session)
        : session.Scope.Verbs.HasFlag(Verbs.Data)
            && Array.Exists(rooms.RoomsOf(session.Account.Id), room => RoomPolicy.MayWriteData(room, session));
}
