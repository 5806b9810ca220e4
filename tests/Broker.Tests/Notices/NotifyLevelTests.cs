using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Notices;

/// <summary>What somebody wants to be called for in a room goes with him, and in one write.</summary>
public sealed class NotifyLevelTests
{
    [Fact]
    public async Task A_guest_who_leaves_takes_his_level_along()
    {
        await using var broker = await RunningBroker.StartAsync();
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        var (lobby, members) = (broker.Room("lobby"), broker.Get<RoomMembers>());
        await members.JoinAsync(lobby, guest, byItself: true);
        Assert.True(await members.SetLevelAsync(lobby, guest, NotifyLevel.Nothing));
        Assert.Equal(NotifyLevel.Nothing, broker.Get<NotifyLevels>().Of(guest.Id, lobby.Log));

        Assert.Equal(RoomChange.Done, await members.LeaveAsync(lobby, guest, byItself: true));

        Assert.Empty(broker.Get<IRecords>().ReadAll(NotifyLevels.Prefix(guest.Id)));
    }

    [Fact]
    public async Task The_level_goes_in_the_write_of_the_place_and_who_sets_one_meanwhile_is_too_late()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place);
        var ana = (await broker.RegisterAsync("ana")).Account;
        var (lobby, members) = (broker.Room("lobby"), broker.Get<RoomMembers>());
        await members.JoinAsync(lobby, ana, byItself: true);
        Assert.True(await members.SetLevelAsync(lobby, ana, NotifyLevel.Nothing));
        records.Hold();

        var leaving = members.LeaveAsync(lobby, ana, byItself: true);
        await records.Waiting(1);
        var setting = members.SetLevelAsync(lobby, ana, NotifyLevel.Mentions);
        records.Release();

        Assert.Equal(RoomChange.Done, await leaving);
        Assert.False(await setting);
        var level = System.Text.Encoding.ASCII.GetString(NotifyLevels.Key(ana.Id, lobby.Log));
        var place = System.Text.Encoding.ASCII.GetString(MembershipRecord.AccountKey(ana.Id, lobby.Key));
        Assert.Contains(records.Deleted, deleted => deleted.Contains(level) && deleted.Contains(place));
        Assert.Empty(broker.Get<IRecords>().ReadAll(NotifyLevels.Prefix(ana.Id)));
    }
}
