using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>The records of who is held back: those of another version, of accounts that end, and those that end by themselves.</summary>
public sealed class RestraintRecordTests
{
    public static TheoryData<string> Later => ["of a later version", """{"quiet":{"until":"2099-01-01T00:00:00Z"}}""", """{"mute":{}}"""];

    [Theory]
    [MemberData(nameof(Later))]
    public async Task One_that_this_program_cannot_read_keeps_out_stays_over_starts_and_can_be_lifted(string stored)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        await StoreAsync(broker, eve.Account.Id, stored);
        await StoreAsync(broker, talk.Bea.Account.Id, stored);

        for (var start = 0; start < 2; start++)
        {
            await broker.RestartAsync();
            using var eves = Calls.As(broker, eve);
            await eves.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);
            Assert.Equal(2, broker.Get<IRecords>().ReadAll("out/"u8).Count);
        }

        // Who is in the room writes nothing, and is put out like anybody else.
        using var beas = Calls.As(broker, talk.Bea);
        var refused = await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events", new { type = "message", text = "hello" });
        Assert.Equal("muted", refused.GetProperty("code").GetString());
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account)).Refusal);

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", eve.Account)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", eve.Account)).Refusal);
        using var later = Calls.As(broker, eve);
        await later.Put("/api/rooms/yard/members/me");
    }

    [Fact]
    public async Task Fault_R13_A_ban_that_meets_the_end_of_its_account_leaves_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account);
        var turn = await broker.Get<ChangeTurns>().OfAccountAsync(talk.Bea.Account.Id);
        var erasing = broker.Get<AccountChanges>().EraseAsync(talk.Bea.Account, "correct horse battery staple", null);
        await HandshakeTests.UntilAsync(() => talk.Bea.Account.IsErased);
        await broker.Get<IRecords>().WriteAsync([new RecordChange("marker"u8.ToArray(), null)]);

        // As the act does that had its turn before.
        await StoreAsync(broker, talk.Bea.Account.Id, "{}");
        turn.Dispose();
        await erasing;

        Assert.Empty(broker.Get<IRecords>().ReadAll("out/"u8));
        Assert.Empty(broker.Get<IRecords>().ReadAll("outof/"u8));
        Assert.Null(broker.Room("yard").Restraints.StoredOf(talk.Bea.Account.Id));
    }

    [Fact]
    public async Task One_of_nobody_goes_at_the_next_start()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account);
        await StoreAsync(broker, "nobody", """{"ban":{"by":"somebody","at":"2026-11-23T07:20:00+00:00"}}""");

        await broker.RestartAsync();

        Assert.Equal((1, 1), (broker.Get<IRecords>().ReadAll("out/"u8).Count, broker.Get<IRecords>().ReadAll("outof/"u8).Count));
    }

    [Theory]
    [InlineData("lifted")]
    [InlineData("over")]
    public async Task Who_still_watches_a_public_room_hears_its_info_again_when_his_ban_is_over(string end)
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(time));
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        await using var watcher = await broker.ConnectAsync(eve);
        Assert.Equal([1], (await watcher.SubscribeAsync("rooms/yard/info")).ReasonCodes);
        await watcher.NextPublishAsync();
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account, minutes: 1)).Refusal);
        Assert.DoesNotContain(broker.Room("yard").Subscribers.ToArray(), one => one.Member.Account == eve.Account);
        if (end == "lifted")
        {
            Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", eve.Account)).Refusal);
        }
        else
        {
            time.Advance(TimeSpan.FromMinutes(1));
        }

        // What is retained comes at once, as when a room is joined; and then what changes.
        Assert.Equal("rooms/yard/info", (await watcher.NextPublishAsync()).Topic);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Topic = "Anything again" });
        await watcher.PublishesUntilAsync(publish => publish.Text.Contains("Anything again", StringComparison.Ordinal));
        Assert.Equal(0, broker.Get<BanEnds>().Count);
    }

    [Fact]
    public async Task A_ban_that_is_over_after_a_restart_ends_by_itself_and_keeps_out_until_then()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(time));
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account, minutes: 1)).Refusal);

        await broker.RestartAsync();

        await using var watcher = await broker.ConnectAsync(eve);
        Assert.Equal([0x87], (await watcher.SubscribeAsync("rooms/yard/info")).ReasonCodes);
        Assert.Equal(1, broker.Get<BanEnds>().Count);
        time.Advance(TimeSpan.FromMinutes(1));
        await HandshakeTests.UntilAsync(() => broker.Get<BanEnds>().Count == 0);
        Assert.Equal([1], (await watcher.SubscribeAsync("rooms/yard/info")).ReasonCodes);
        Assert.Equal("rooms/yard/info", (await watcher.NextPublishAsync()).Topic);
    }

    [Fact]
    public async Task Another_nodes_ban_is_in_the_way_of_a_guest_too()
    {
        await using var broker = await RunningBroker.StartAsync();
        await InYardAsync(broker);
        var room = broker.Room("yard");
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(room, guest, byItself: true);
        Assert.True(room.IsMember(guest.Id));
        await broker.Get<RoomMembers>().LeaveAsync(room, guest, byItself: true);

        await StoreAsync(broker, guest.Id, """{"ban":{"by":"somebody","at":"2026-11-23T07:20:00+00:00"}}""");

        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => broker.Get<RoomMembers>().JoinAsync(room, guest, byItself: true));
        Assert.False(room.IsMember(guest.Id));
    }

    private static Task StoreAsync(RunningBroker broker, string account, string stored) => broker.Get<IRecords>().WriteAsync(
        [.. RestraintStore.ChangesOf(broker.Room("yard").Key, account, new Restraint())
            .Select(change => new RecordChange(change.Key, Encoding.UTF8.GetBytes(stored)))]);
}
