using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.ReadMarks.ReadTalk;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>How long a read position lives: restarts, renamed and erased accounts, rooms that are made anew, guests.</summary>
public sealed class KeptReadPositionTests
{
    [Fact]
    public async Task A_renamed_account_says_and_hears_it_under_its_new_name()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "rooms/den", 3);
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync([new Filter("users/ana/read/+"), new Filter("users/ana/#"), new Filter("rooms/den")]);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(said[0].Seq))).Accepted);

        var browser = await broker.SignInAsync(ana.Account);
        var renamed = await broker.Get<AccountChanges>().ChangeAsync(browser.Session, "correct horse battery staple", new AccountChange(UserName: "anna"), null);
        Assert.True(renamed.TryGet(out _, out var refusal), $"{refusal}");

        Assert.Equal(0x87, (await client.PublishAsync("users/ana/read/den", Position(said[1].Seq))).ReasonCode);
        Assert.True((await client.PublishAsync("users/anna/read/den", Position(said[1].Seq))).Accepted);

        // The old filters have ended: a message comes, and no position before it.
        await other.PublishAsync("rooms/den", "marker");
        Assert.DoesNotContain(
            await client.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal)), publish => publish.Text.Contains($"\"seq\":{said[1].Seq},\"epoch\":\"{said[1].Epoch}\",\"unread\"", StringComparison.Ordinal));
        Assert.Equal([0x11, 0x11], (await client.UnsubscribeAsync("users/ana/read/+", "users/ana/#")).ReasonCodes);
        Assert.Equal((said[1].Seq, 2), await RetainedAsync(client, "users/anna/read/den"));
        Assert.Equal([0x87], (await client.SubscribeAsync("users/ana/read/den")).ReasonCodes);
    }

    [Fact]
    public async Task It_begins_at_the_head_for_who_joins_and_again_for_who_comes_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        var members = broker.Get<RoomMembers>();

        // The owner of a private room stays in it.
        var given = Command.Of(new RoomAct.Role("bob", MemberRole.Owner), null, [])!;
        Assert.Null((await broker.Get<RoomActs>().ActAsync(broker.Room("den"), given, (await broker.SignInAsync(ana.Account)).Session)).Refusal);
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 3);
        await using var client = await broker.ConnectAsync(ana);
        Assert.Equal(3, (await RetainedAsync(client, "users/ana/read/den")).Unread);
        await client.SubscribeAsync([new Filter("users/ana/read/#", 1, DoNotSendRetained)]);

        await members.LeaveAsync(broker.Room("den"), ana.Account);
        Assert.Equal(0x87, (await client.PublishAsync("users/ana/read/den", Position(1))).ReasonCode);
        Assert.Null(broker.Get<IRecords>().Find(Encoding.ASCII.GetBytes($"read/{ana.Account.Id}/r/den")));
        var said = await SayAsync(other, "rooms/den", 2);
        await members.JoinAsync(broker.Room("den"), ana.Account);

        // Said without being asked for, too.
        Assert.Equal((said[1].Seq, 0), Read(await client.NextPublishAsync()));
        await SayAsync(other, "rooms/den", 1);
        Assert.Equal((said[1].Seq, 1), await RetainedAsync(client, "users/ana/read/den"));
    }

    [Fact]
    public async Task A_room_made_anew_under_an_old_name_begins_anew()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        await using var client = await broker.ConnectAsync(ana);
        var old = await SayAsync(other, "rooms/den", 5);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(old[2].Seq))).Accepted);

        Assert.Equal(RoomChange.Done, await broker.Get<RoomEndings>().DeleteAsync(broker.Room("den"), ana.Account));
        Assert.DoesNotContain(broker.Get<IRecords>().ReadAll("read/"u8), record => Encoding.ASCII.GetString(record.Key).EndsWith("/r/den", StringComparison.Ordinal));
        Assert.Equal(0x87, (await client.PublishAsync("users/ana/read/den", Position(1))).ReasonCode);
        await CreateAsync(broker, "den", ana, isPrivate: true);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("den"), bob.Account);
        var said = await SayAsync(other, "rooms/den", 2);

        Assert.Equal(0x83, (await client.PublishAsync("users/ana/read/den", Position(1, old[0].Epoch))).ReasonCode);
        Assert.Equal((0, 2), await RetainedAsync(client, "users/ana/read/den"));
        Assert.Equal(said[0].Seq, (await client.PublishAsync("users/ana/read/den", Position(said[0].Seq, said[0].Epoch))).Seq);
    }

    [Fact]
    public async Task A_restart_keeps_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        long seq;
        await using (var other = await broker.ConnectAsync(bob))
        {
            var said = await SayAsync(other, "rooms/den", 3);
            await other.PublishAsync("users/ana", "psst");
            await using var client = await broker.ConnectAsync(ana);
            seq = (await client.PublishAsync("users/ana/read/den", Position(said[1].Seq))).Seq;
            Assert.True((await client.PublishAsync("users/ana/read", Position(1))).Accepted);
        }

        await broker.RestartAsync();

        await using var again = await broker.ConnectAsync(ana);
        Assert.Equal((seq, 1), await RetainedAsync(again, "users/ana/read/den"));
        Assert.Equal((1, 0), await RetainedAsync(again, "users/ana/read"));
    }

    [Fact]
    public async Task Whispers_have_a_position_of_their_own()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "users/ana", 3);
        await client.PublishAsync("users/ana", "to myself");

        // Nobody has looked yet, and they wait all the same.
        await client.SubscribeAsync([new Filter("users/ana/read/#")]);
        var first = (await TakeAsync(client, 2)).Single(publish => publish.Topic == "users/ana/read");
        var epoch = broker.Get<IEventLog>().Head(LogName.OfAccount(ana.Account.Id)).Epoch;
        Assert.Equal($$"""{"v":1,"type":"read","to":"ana","seq":0,"epoch":"{{epoch}}","unread":3}""", first.Text);
        Assert.Equal(said[1].Seq, (await client.PublishAsync("users/ana/read", Position(said[1].Seq, epoch))).Seq);
        Assert.Equal((said[1].Seq, 1), Read(await client.NextPublishAsync()));
    }

    [Fact]
    public async Task An_erased_account_leaves_no_position_behind()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 1);
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(1))).Accepted);
        var records = broker.Get<IRecords>();
        var prefix = Encoding.ASCII.GetBytes($"read/{ana.Account.Id}/");
        Assert.NotEmpty(records.ReadAll(prefix));
        var others = records.ReadAll("read/"u8).Count - records.ReadAll(prefix).Count;

        await broker.Get<AccountChanges>().EraseAsync(ana.Account, "correct horse battery staple", null);

        Assert.Empty(records.ReadAll(prefix));
        Assert.Equal(others, records.ReadAll("read/"u8).Count);
        Assert.Equal(0x87, (await other.PublishAsync("users/ana/read/den", Position(1))).ReasonCode);
    }

    [Fact]
    public async Task A_guest_has_positions_too()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        var entered = await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null);
        Assert.True(entered.TryGet(out var guest, out _));
        await using var client = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        await client.SubscribeAsync([new Filter("rooms/lobby/text", 0), new Filter($"users/{guest.UserName}/read/+", 1, DoNotSendRetained)]);
        var said = await SayAsync(speaker, "rooms/lobby", 2);

        Assert.True((await client.PublishAsync($"users/{guest.UserName}/read/lobby", Position(said[0].Seq))).Accepted);

        var heard = await client.PublishesUntilAsync(publish => publish.Topic.StartsWith("users/", StringComparison.Ordinal));
        Assert.Equal((said[0].Seq, 1), Read(heard[^1]));
    }

    [Fact]
    public async Task Attack_41_A_will_says_nothing_about_reading()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        Assert.Equal(0, (await client.ConnectAsync("ana", ana.Token, will: new Will("users/ana/read/den", Position(1)))).ReasonCode);
        await client.SubscribeAsync("users/ana/#");

        var first = await client.PublishesUntilAsync(publish => publish.Topic == "users/ana");
        Assert.Equal("will_dropped", first[^1].Json.GetProperty("code").GetString());
    }
}
