using WebMessenger.Auth.Accounts;
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

    /// <param name="type">kick, ban, unban, mute or unmute.</param>
    public static Task<ActResult> ModerateAsync(
        RunningBroker broker, string room, Member by, string type, Account whom, int minutes = 0, string? reason = null, string? id = null) =>
        DoAsync(broker, room, by, Moderation(type, whom.UserName, minutes, reason), id);

    public static ModerationAct Moderation(string type, string user, int minutes = 0, string? reason = null) =>
        ModerationAct.Read(new RoomCommand { Type = type, User = user, Minutes = minutes, Reason = reason }, [])!;

    private static Task<ActResult> DoAsync(RunningBroker broker, string room, Member by, RoomAct act, string? id = null) =>
        broker.Get<RoomActs>().ActAsync(
            broker.Room(room), new Command("", id, null, act), broker.Get<AccessTokens>().FindBearer(by.Token)!);
}
