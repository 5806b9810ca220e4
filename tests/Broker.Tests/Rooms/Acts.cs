using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Acts on rooms, without the way over MQTT or HTTP.</summary>
internal static class Acts
{
    public static Task<ActResult> ChangeAsync(RunningBroker broker, string room, Member by, PolicyChanges changes) =>
        DoAsync(broker, room, by, new RoomAct.Policy(changes));

    public static Task<ActResult> GiveAsync(
        RunningBroker broker, string room, Member by, Member whom, MemberRole role, string? id = null) =>
        DoAsync(broker, room, by, new RoomAct.Role(whom.Account.UserName, role), id);

    private static Task<ActResult> DoAsync(RunningBroker broker, string room, Member by, RoomAct act, string? id = null) =>
        broker.Get<RoomActs>().ActAsync(
            broker.Room(room), new Command("", id, null, act), broker.Get<AccessTokens>().FindBearer(by.Token)!);
}
