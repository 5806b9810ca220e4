using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Retention;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>From the address of a guest who was banned no other guest comes in, for a day at most, and nobody else is touched.</summary>
public sealed class AddressBanTests
{
    private const string Home = "203.0.113.7", Elsewhere = "203.0.113.8";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Theory]
    [InlineData(Home, Home, Elsewhere)]
    [InlineData("2001:db8:1:2::3", "2001:db8:1:2:ffff::9", "2001:db8:1:3::3")]
    [InlineData(Home, "::ffff:203.0.113.7", "::ffff:203.0.113.8")]
    public async Task Other_guests_from_there_do_not_come_in_until_it_is_over(string banned, string same, string other)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        var (zoe, max, kim) = (await GuestAsync(broker, "Zoe", banned), await GuestAsync(broker, "Max", same), await GuestAsync(broker, "Kim", other));
        var inside = await GuestAsync(broker, "Ivo", same);
        Assert.True(await EntersAsync(broker, zoe));
        Assert.True(await EntersAsync(broker, inside));
        var eve = await broker.RegisterAsync("eve");
        await broker.Get<LoginSessions>().StartAsync(eve.Account, "test", IPAddress.Parse(banned));

        var ban = await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe);
        Assert.True(ban.ByAddress);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Caio.Account)).ByAddress);

        for (var start = 0; start < 2; start++)
        {
            Assert.False(await EntersAsync(broker, max));
            var why = broker.Get<RoomMembers>().WhyNotIn(broker.Room("yard"), max);
            Assert.Equal("room_banned", why.Notice);
            Assert.DoesNotContain("Zoe", why.Reason, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Records(broker), text => text.Contains(banned, StringComparison.Ordinal));
            if (start == 0)
            {
                Assert.True(broker.Room("yard").IsMember(inside.Id));
                await broker.RestartAsync();
                max = broker.Get<AccountDirectory>().Find(max.Id)!;
            }
        }

        Assert.True(await EntersAsync(broker, broker.Get<AccountDirectory>().Find(kim.Id)!));
        Assert.True(await EntersAsync(broker, broker.Get<AccountDirectory>().Find(eve.Account.Id)!));
        _time.Advance(TimeSpan.FromHours(24));
        Assert.True(await EntersAsync(broker, max));
        await broker.RestartAsync();
        Assert.Empty(broker.Get<IRecords>().ReadAll("oa/"u8));
    }

    [Fact]
    public async Task A_guest_from_there_neither_looks_in_nor_reports_and_others_do()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Caio, "a word");
        var (zoe, max, kim) = (await GuestAsync(broker, "Zoe", Home), await GuestAsync(broker, "Max", Home), await GuestAsync(broker, "Kim", Elsewhere));
        Assert.True(RoomPolicy.MayRead(broker.Room("yard"), max));

        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe)).ByAddress);

        Assert.False(RoomPolicy.MayRead(broker.Room("yard"), max));
        var session = broker.Get<LoginSessions>().List(max).Single();
        Assert.Equal(ReportOutcome.NoSuchRoom, (await broker.Get<RoomReports>().MakeAsync(broker.Room("yard"), session, seq, "rude")).Outcome);
        Assert.True(RoomPolicy.MayRead(broker.Room("yard"), kim));
        Assert.True(RoomPolicy.MayRead(broker.Room("yard"), talk.Bea.Account));
        _time.Advance(TimeSpan.FromHours(24));
        Assert.True(RoomPolicy.MayRead(broker.Room("yard"), max));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_who_signs_out_or_moves_on_before_he_is_banned_is_banned_from_where_he_was(bool moves)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        var (zoe, max, kim) = (await GuestAsync(broker, "Zoe", Home), await GuestAsync(broker, "Max", Home), await GuestAsync(broker, "Kim", Elsewhere));
        var sessions = broker.Get<LoginSessions>();
        Assert.True(await EntersAsync(broker, zoe));
        if (moves)
        {
            await sessions.StartAsync(zoe, "test", IPAddress.Parse(Elsewhere));
        }

        await sessions.EndAsync(sessions.List(zoe).Single(session => session.Address == Home));

        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe)).ByAddress);

        Assert.False(await EntersAsync(broker, max));
        Assert.Equal(!moves, await EntersAsync(broker, kim));
    }

    [Fact]
    public async Task Where_a_guest_was_is_forgotten_a_day_after_he_left_and_of_so_many_alone()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await InYardAsync(broker);
        var room = broker.Room("yard");
        GuestStays stays = new(room.Key, broker.Get<GuestAddresses>(), _time);
        var sessions = broker.Get<LoginSessions>();
        var guests = new List<Account>();
        foreach (var name in new[] { "Zoe", "Max" })
        {
            var guest = await GuestAsync(broker, name, Home);
            guests.Add(guest);
            stays.Note(guest, _ => true);
            await sessions.EndAsync(sessions.List(guest).Single());
            Assert.Single(stays.HashesOf(guest));
        }

        _time.Advance(TimeSpan.FromHours(24));
        stays.Tidy(account => account == guests[1].Id);
        Assert.Empty(stays.HashesOf(guests[0]));
        Assert.Single(stays.HashesOf(guests[1]));

        for (var number = 0; number < GuestStays.MostGuests; number++)
        {
            stays.Note(new Account($"g{number}", AccountKind.Guest, _time.GetUtcNow(), new Profile($"g{number}", "Zoe", null, false)), _ => true);
        }

        Assert.Empty(stays.HashesOf(guests[1]));
    }

    [Fact]
    public async Task A_short_ban_of_a_guest_ends_for_his_address_as_well()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        var (zoe, max) = (await GuestAsync(broker, "Zoe", Home), await GuestAsync(broker, "Max", Home));
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe, minutes: 10)).ByAddress);
        Assert.False(await EntersAsync(broker, max));

        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.True(await EntersAsync(broker, max));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("10.1.2.3")]
    [InlineData("2001:db8::5")]
    [InlineData("198.51.100.4")]
    [InlineData(null)]
    public async Task An_address_that_all_have_is_not_banned_and_the_answer_says_so(string? address)
    {
        await using var broker = await RunningBroker.StartAsync(_time, "--WebMessenger:TrustedProxies:0", "10.0.0.0/8", "--WebMessenger:TrustedProxies:1", "2001:db8::5");
        var talk = await InYardAsync(broker);
        var (zoe, max) = (await GuestAsync(broker, "Zoe", address), await GuestAsync(broker, "Max", address));
        var mods = await broker.Get<LoginSessions>().StartAsync(talk.Mod.Account, "test", IPAddress.Parse("198.51.100.4"));

        var ban = await broker.Get<RoomActs>().ActAsync(
            broker.Room("yard"), new Command("", null, null, Acts.Moderation("ban", zoe.UserName)), mods!.Session);

        Assert.False(ban.ByAddress);
        Assert.False(await EntersAsync(broker, zoe));
        Assert.True(await EntersAsync(broker, max));
    }

    [Fact]
    public async Task Over_http_the_answer_says_whether_it_holds_by_address()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        using var mods = Calls.As(broker, talk.Mod);
        async Task<string> BanAsync(string user) =>
            (await mods.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "ban", user })).GetRawText();

        Assert.Contains("\"byAddress\":true", await BanAsync((await GuestAsync(broker, "Zoe", Home)).UserName), StringComparison.Ordinal);
        Assert.Contains("\"byAddress\":false", await BanAsync((await GuestAsync(broker, "Max", "127.0.0.1")).UserName), StringComparison.Ordinal);
        Assert.DoesNotContain("byAddress", await BanAsync("bea"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_lifted_by_who_could_impose_it_also_when_the_guest_is_gone(bool isGone)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        var (zoe, max) = (await GuestAsync(broker, "Zoe", Home), await GuestAsync(broker, "Max", Home));
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Maker, "ban", zoe)).ByAddress);
        if (isGone)
        {
            await GoneAsync(broker, zoe);
        }

        using var mods = Calls.As(broker, talk.Mod);
        var held = (await mods.Get("/api/rooms/yard/bans")).GetProperty("bans").EnumerateArray().Single();
        Assert.Equal((zoe.UserName, "Zoe", "guest"), (held.GetProperty("user").GetString(), held.GetProperty("name").GetString(), held.GetProperty("kind").GetString()));
        Assert.Equal("maker", held.GetProperty("byAddress").GetProperty("by").GetString());
        Assert.Equal(!isGone, held.TryGetProperty("banned", out _));
        Assert.Equal("not_allowed", (await Acts.ModerateAsync(broker, "yard", talk.Bea, "unban", zoe)).Refusal?.Notice);
        Assert.Equal("not_allowed", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", zoe)).Refusal?.Notice);
        Assert.False(await EntersAsync(broker, max));

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unban", zoe)).Refusal);

        Assert.True(await EntersAsync(broker, max));
        Assert.Empty(broker.Get<IRecords>().ReadAll("oa/"u8));
        Assert.Empty((await mods.Get("/api/rooms/yard/bans")).GetProperty("bans").EnumerateArray());
        Assert.Equal("no_such_ban", (await Acts.ModerateAsync(broker, "yard", talk.Maker, "unban", zoe)).Refusal?.Notice);
    }

    [Fact]
    public async Task Of_two_guests_from_there_the_ban_of_one_neither_shortens_nor_lifts_that_of_the_other()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await InYardAsync(broker);
        var (zoe, max, kim) = (await GuestAsync(broker, "Zoe", Home), await GuestAsync(broker, "Max", Home), await GuestAsync(broker, "Kim", Home));
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Maker, "ban", zoe)).ByAddress);

        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", max, minutes: 1)).ByAddress);
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal(2, (await mods.Get("/api/rooms/yard/bans")).GetProperty("bans").EnumerateArray().Count(one => one.TryGetProperty("byAddress", out _)));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.False(await EntersAsync(broker, kim));

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", max)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", max)).Refusal);
        Assert.False(await EntersAsync(broker, kim));
        await broker.RestartAsync();
        kim = broker.Get<AccountDirectory>().Find(kim.Id)!;
        Assert.False(await EntersAsync(broker, kim));

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unban", broker.Get<AccountDirectory>().Find(zoe.Id)!)).Refusal);
        Assert.True(await EntersAsync(broker, kim));
    }

    [Fact]
    public async Task Who_bans_a_guest_anew_says_anew_for_how_long()
    {
        await using var broker = await RunningBroker.StartAsync(_time, "--WebMessenger:Limits:BansPerRoom", "1");
        var talk = await InYardAsync(broker);
        var (zoe, max) = (await GuestAsync(broker, "Zoe", Home), await GuestAsync(broker, "Max", Home));
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe)).ByAddress);
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe, minutes: 10)).ByAddress);
        Assert.False(await EntersAsync(broker, max));

        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.True(await EntersAsync(broker, max));
    }

    [Fact]
    public async Task What_is_over_is_taken_off_the_disk_without_a_restart()
    {
        await using var broker = await RunningBroker.StartWithAsync(services => services
            .AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomDirectory>(provider, _time))
            .AddSingleton(provider => ActivatorUtilities.CreateInstance<AddressBanSweep>(provider, _time)));
        var talk = await InYardAsync(broker);
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", await GuestAsync(broker, "Zoe", Home))).ByAddress);
        await broker.Get<AddressBans>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Single(broker.Get<IRecords>().ReadAll("oa/"u8));

        _time.Advance(TimeSpan.FromHours(24));
        await Until.TrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromHours(1));
            return broker.Get<IRecords>().ReadAll("oa/"u8).Count == 0;
        });

        await Until.TrueAsync(() => broker.Room("yard").AddressBans.AreNone);
    }

    [Fact]
    public async Task What_a_later_version_wrote_is_left_to_it()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await InYardAsync(broker);
        var key = AddressBans.Key(broker.Room("yard").Key, new BannedAddress("0011", "somebody"));
        await broker.Get<IRecords>().WriteAsync([new RecordChange(key, "\"of another kind\""u8.ToArray())]);

        await broker.RestartAsync();
        await broker.Get<AddressBans>().SweepAsync(TestContext.Current.CancellationToken);

        Assert.NotNull(broker.Get<IRecords>().Find(key));
    }

    [Fact]
    public async Task A_room_has_so_many_and_what_is_over_counts_no_more()
    {
        await using var broker = await RunningBroker.StartAsync(_time, "--WebMessenger:Limits:BansPerRoom", "2");
        var talk = await InYardAsync(broker);
        var guests = new List<Account>();
        for (var guest = 0; guest < 4; guest++)
        {
            guests.Add(await GuestAsync(broker, $"Zoe {guest}", $"203.0.113.{guest}"));
        }

        foreach (var guest in guests.Take(2))
        {
            Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", guest, minutes: 2000)).ByAddress);
        }

        // They are gone, and their bans with them: their addresses are banned still.
        foreach (var guest in guests.Take(2))
        {
            await GoneAsync(broker, guest);
        }

        Assert.False((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", guests[2], minutes: 10)).ByAddress);
        _time.Advance(TimeSpan.FromHours(24));
        Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", guests[3])).ByAddress);
        Assert.Single(broker.Get<IRecords>().ReadAll("oa/"u8));

        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard");
        Assert.Empty(broker.Get<IRecords>().ReadAll("oa/"u8));
    }

    [Fact]
    public async Task Fault_S7_Who_comes_in_from_there_while_it_is_banned_is_in_before_or_not_at_all()
    {
        await using var broker = await RunningBroker.StartAsync(_time, "--WebMessenger:Limits:InvitationsPerDay", "100");
        var talk = await InYardAsync(broker);
        var (room, members) = (broker.Room("yard"), broker.Get<RoomMembers>());
        for (var round = 0; round < 30; round++)
        {
            var (zoe, max) = (await GuestAsync(broker, $"Zoe {round}", $"203.0.113.{round}"), await GuestAsync(broker, $"Max {round}", $"203.0.113.{round}"));
            var entering = members.JoinAsync(room, max, byItself: true);
            Assert.True((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", zoe)).ByAddress);

            // What is decided by now stays so.
            var isIn = room.IsMember(max.Id);
            await entering;
            Assert.Equal(isIn, room.IsMember(max.Id));
            await members.LeaveAsync(room, max);
            Assert.False(await EntersAsync(broker, max));
        }
    }

    private static async Task<Account> GuestAsync(RunningBroker broker, string name, string? address)
    {
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync(name, null)).Value!;
        await broker.Get<LoginSessions>().StartAsync(guest, "test", address is null ? null : IPAddress.Parse(address));
        return guest;
    }

    // As the end of an account does it: his ban goes with him.
    private static async Task GoneAsync(RunningBroker broker, Account guest)
    {
        await broker.Get<RestraintStore>().ForgetAsync(guest.Id);
        Assert.Null(broker.Room("yard").Restraints.StoredOf(guest.Id));
    }

    private static async Task<bool> EntersAsync(RunningBroker broker, Account account)
    {
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), account, byItself: true);
        return broker.Room("yard").IsMember(account.Id);
    }

    private static IEnumerable<string> Records(RunningBroker broker) =>
        broker.Get<IRecords>().ReadAll("oa/"u8).SelectMany(one => new[] { Encoding.UTF8.GetString(one.Key), Encoding.UTF8.GetString(one.Value) });
}
