using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What somebody comes into a room by who is not asked by name, as it counts: written with his place.</summary>
/// <param name="Changes">Empty: it counts nothing.</param>
/// <param name="Conditions">That it is as it was when it was looked at.</param>
internal sealed record InvitePass(RecordChange[] Changes, RecordCondition[] Conditions);
