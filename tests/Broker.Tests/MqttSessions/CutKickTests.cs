using System.Text;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.KeptClients;
using static WebMessenger.Broker.Tests.ReadMarks.ReadTalk;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>The program is killed just when a place in a room is gone: nothing of it is left to who had it.</summary>
public sealed class CutKickTests
{
    [Fact]
    public async Task A_kept_client_of_who_comes_back_after_a_cut_hears_nothing_of_what_was_said_while_he_was_out()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/den");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/+", "of-all");
        await using (var before = await broker.ConnectAsync(ana))
        {
            await SayAsync(before, "rooms/den", 1);
        }

        // As it is on disk when the program is killed then: what follows would take the kept clients' places.
        var place = broker.Room("den").MembershipOf(bob.Account.Id)!.Record;
        await broker.Get<MembershipStore>().RemoveAsync(broker.Room("den").Key, bob.Account.Id, place);
        await broker.RestartAsync();
        await using (var meanwhile = await broker.ConnectAsync(ana))
        {
            await SayAsync(meanwhile, "rooms/den", 3);
        }

        await broker.Get<RoomMembers>().JoinAsync(broker.Room("den"), AccountOf(broker, "bob"));
        await broker.RestartAsync();

        var (named, answer) = await ConnectAsync(broker, bob);
        await using var one = named;
        Assert.True(answer.SessionPresent);
        Assert.Empty(await HeardWhileAsync(broker, ana, one, "den"));
        var (ofAll, second) = await ConnectAsync(broker, bob, clientId: "of-all");
        await using var other = ofAll;
        Assert.True(second.SessionPresent);
        Assert.All(Texts(await HeardWhileAsync(broker, ana, other, "den")), text => Assert.Equal("anybody there?", text));
    }

    [Fact]
    public async Task The_read_mark_goes_in_the_write_in_which_the_place_goes()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place);
        var (ana, bob) = await InOneRoomAsync(broker);
        var place = Encoding.ASCII.GetString(MembershipRecord.AccountKey(bob.Account.Id, broker.Room("den").Key));
        var mark = Encoding.ASCII.GetString(AccountPositions.Key(bob.Account.Id, broker.Room("den").Log.Value));

        Assert.Equal(RoomChange.Done, await broker.Get<RoomMembers>().LeaveAsync(broker.Room("den"), bob.Account, by: ana.Account));

        Assert.Contains(mark, Assert.Single(records.Deleted, keys => keys.Contains(place)));
    }

    private static Auth.Accounts.Account AccountOf(RunningBroker broker, string user) =>
        broker.Get<Auth.Accounts.AccountDirectory>().FindByUserName(user)!;
}
