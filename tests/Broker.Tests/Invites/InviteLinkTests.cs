using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Invites.InviteTalk;

namespace WebMessenger.Broker.Tests.Invites;

/// <summary>Who has a link comes into its room, until it is used up, over or revoked, and nobody else learns anything.</summary>
public sealed class InviteLinkTests
{
    private const string None = "404 no_such_invite";

    [Fact]
    public async Task Who_has_a_link_sees_where_it_leads_and_comes_in_and_who_has_none_does_not()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        using var eves = Calls.As(broker, eve);
        foreach (var visibility in new[] { "public", "private" })
        {
            Assert.Null((await Acts.ChangeAsync(broker, "yard", yard.Talk.Maker, new() { Visibility = visibility })).Refusal);
            var link = await yard.MakeAsync();
            await eves.Put("/api/rooms/yard/members/me", visibility == "private" ? HttpStatusCode.NotFound : HttpStatusCode.Forbidden);
            Assert.Equal(None, await UseAsync(eves, link with { Secret = Secret.CreateForLink() }));

            var seen = await eves.Expect(HttpStatusCode.OK, HttpMethod.Post, Use + "/look", new { secret = link.Secret });
            Assert.Equal(
                ["room", "title", "topic", "people", "by", "visibility"], seen.EnumerateObject().Select(field => field.Name));
            Assert.Equal(("yard", "maker"), (seen.GetProperty("room").GetString(), seen.GetProperty("by").GetProperty("user").GetString()));
            Assert.Equal("200", await yard.LookAsync(link.Secret));
            Assert.False(broker.Room("yard").IsMember(eve.Account.Id));

            var entered = await eves.Expect(HttpStatusCode.OK, HttpMethod.Post, Use, new { secret = link.Secret });
            Assert.Equal("yard", entered.GetProperty("room").GetString());
            Assert.True(broker.Room("yard").IsMember(eve.Account.Id));
            await eves.Get("/api/rooms/yard/events");
            await eves.Delete("/api/rooms/yard/members/me");
        }

        using HttpClient stranger = new() { BaseAddress = broker.Http };
        using var answer = await stranger.PostAsync(
            new Uri(Use, UriKind.Relative), new StringContent("""{"secret":"x"}""", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task The_last_use_raced_by_twenty_lets_one_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        for (var round = 0; round < 5; round++)
        {
            // Half of them write their place, and half are guests of a public room, who do not.
            var link = await yard.MakeAsync(new { uses = 1 });
            List<(Account Account, Calls Calls)> all = [];
            for (var number = 0; number < 10; number++)
            {
                var member = await broker.RegisterAsync($"m{round}-{number}");
                all.Add((member.Account, Calls.As(broker, member)));
                var guest = await yard.NewGuestAccountAsync($"Guest {round} {number}");
                all.Add((guest, await yard.OfGuestAsync(guest)));
            }

            var became = await Task.WhenAll(all.Select(one => UseAsync(one.Calls, link)));

            Assert.Equal(1, became.Count(one => one == "200"));
            Assert.All(became.Where(one => one != "200"), one => Assert.Equal(None, one));
            Assert.Single(all, one => broker.Room("yard").IsMember(one.Account.Id));
            Assert.Equal(None, await yard.LookAsync(link.Secret));
            Assert.Empty(await yard.LeftAsync());

            // Whose answer was lost asks again.
            Assert.Equal("200", await UseAsync(all[became.IndexOf("200")].Calls, link));
            all.ForEach(one => one.Calls.Dispose());
        }
    }

    [Fact]
    public async Task Looking_being_in_already_and_being_refused_use_nothing_up()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync(new { uses = 2 });
        using var beas = Calls.As(broker, yard.Talk.Bea);
        using var guests = await yard.NewGuestAsync("Zoe");
        for (var times = 0; times < 3; times++)
        {
            Assert.Equal("200", await yard.LookAsync(link.Secret));
            Assert.Equal("200", await UseAsync(beas, link));
        }

        await Acts.ChangeAsync(broker, "yard", yard.Talk.Maker, new() { Guests = "none" });
        Assert.Equal("403 not_for_guests", await UseAsync(guests, link));
        await Acts.ChangeAsync(broker, "yard", yard.Talk.Maker, new() { Guests = "write", Capacity = 1 });
        await using var here = await broker.ConnectAsync(yard.Talk.Bea);
        await here.SubscribeAsync("rooms/yard");
        Assert.Equal("409 room_full", await UseAsync(guests, link));
        Assert.Equal([2], await yard.LeftAsync());

        await Acts.ChangeAsync(broker, "yard", yard.Talk.Maker, new() { Capacity = 0 });
        Assert.Equal("200", await UseAsync(guests, link));
        Assert.Equal([1], await yard.LeftAsync());
    }

    [Fact]
    public async Task One_account_that_comes_and_goes_uses_a_link_up_once_and_nothing_says_who_it_was()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync(new { uses = 3 });
        var eve = await broker.RegisterAsync("eve");
        using var eves = Calls.As(broker, eve);
        using var guests = await yard.NewGuestAsync("Zoe");
        for (var times = 0; times < 4; times++)
        {
            Assert.Equal("200", await UseAsync(eves, link));
            await eves.Delete("/api/rooms/yard/members/me");
        }

        Assert.Equal([2], await yard.LeftAsync());
        Assert.Equal("200", await UseAsync(guests, link));
        Assert.Equal([1], await yard.LeftAsync());
        var users = broker.Get<IRecords>().ReadAll(InviteLink.UsersPrefix);
        Assert.Equal(2, users.Count);
        Assert.DoesNotContain(users, user => Encoding.Latin1.GetString(user.Key).Contains(eve.Account.Id, StringComparison.Ordinal));

        using var makers = Calls.As(broker, yard.Talk.Maker);
        await makers.Delete($"{Links}/{link.Id}");
        await broker.Get<InviteLinks>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Empty(broker.Get<IRecords>().ReadAll(InviteLink.UsersPrefix));
    }

    [Fact]
    public async Task A_link_that_many_may_have_does_not_let_in_again_who_was_put_out()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync(new { uses = 5 });
        using var beas = Calls.As(broker, yard.Talk.Bea);
        using var makers = Calls.As(broker, yard.Talk.Maker);
        await Acts.ModerateAsync(broker, "yard", yard.Talk.Mod, "ban", yard.Talk.Bea.Account);
        Assert.Equal("403 room_banned", await UseAsync(beas, link));
        await Acts.ModerateAsync(broker, "yard", yard.Talk.Mod, "unban", yard.Talk.Bea.Account);
        Assert.Equal("200", await UseAsync(beas, link));
        await Acts.ModerateAsync(broker, "yard", yard.Talk.Mod, "kick", yard.Talk.Bea.Account);
        Assert.Equal("403 kicked", await UseAsync(beas, link));
        Assert.Equal([4], await yard.LeftAsync());

        // Whoever is asked back by name need not wait, by whichever way he comes.
        await makers.Put("/api/rooms/yard/members/bea", HttpStatusCode.Accepted);
        Assert.Equal("200", await UseAsync(beas, link));
    }

    [Fact]
    public async Task Who_comes_by_a_link_that_is_being_revoked_is_in_before_the_answer_or_not_at_all()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", yard.Talk.Maker, new() { Entry = "open" });
        var eve = await broker.RegisterAsync("eve");
        using var eves = Calls.As(broker, eve);
        foreach (var uses in new[] { 0, 3 })
        {
            // Not even into a room that is open to all: who asked for a place by a link has not asked for another.
            var link = await yard.MakeAsync(new { uses });
            var held = await broker.Room("yard").Turns.BeAloneAsync();
            var revoking = broker.Get<InviteLinks>().RevokeAsync(broker.Room("yard"), yard.Talk.Maker.Account, link.Id);
            var coming = broker.Get<InviteLinks>().UseAsync(broker.Get<InviteLinks>().Look(link.Secret)!, link.Secret, eve.Account);
            held.Dispose();

            Assert.Equal(Broker.Rooms.RoomChange.Done, await revoking);
            Assert.Equal(InviteUse.NoSuchLink, await coming);
            Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
            Assert.Equal(None, await UseAsync(eves, link));
            Assert.Equal(None, await yard.LookAsync(link.Secret));
        }

        var another = await yard.MakeAsync();
        using var makers = Calls.As(broker, yard.Talk.Maker);
        await makers.Delete($"{Links}/{another.Id}");
        Assert.Equal("no_such_invite", (await makers.Delete($"{Links}/{another.Id}", HttpStatusCode.NotFound)).GetProperty("code").GetString());
        Assert.Empty(Stored(broker));
    }

    [Fact]
    public async Task A_link_ends_when_its_time_has_come_and_is_forgotten()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(time));
        var yard = await InYardAsync(broker);
        using var guests = await yard.NewGuestAsync("Zoe");
        var (hour, week) = (await yard.MakeAsync(new { minutes = 60 }), await yard.MakeAsync());
        Assert.Equal(Timestamps.Format(time.GetUtcNow().AddDays(7)), week.Told.GetProperty("expiresAt").GetString());
        time.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromMilliseconds(1));
        Assert.Equal("200", await yard.LookAsync(hour.Secret));
        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(None, await yard.LookAsync(hour.Secret));
        Assert.Equal(None, await UseAsync(guests, hour));
        Assert.Equal("200", await yard.LookAsync(week.Secret));
        Assert.Single(await yard.LeftAsync());

        var links = broker.Get<InviteLinks>();
        Assert.Equal(6, Stored(broker).Count);
        await links.SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, Stored(broker).Count);
        Assert.Equal("200", await UseAsync(guests, week));
    }

    [Fact]
    public async Task Links_and_what_was_used_of_them_outlive_the_program()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var (three, many) = (await yard.MakeAsync(new { uses = 3 }), await yard.MakeAsync());
        var eve = await broker.RegisterAsync("eve");
        using (var eves = Calls.As(broker, eve))
        {
            Assert.Equal("200", await UseAsync(eves, three));
        }

        await broker.RestartAsync();

        Assert.Equal([2, null], await yard.LeftAsync());
        Assert.True(broker.Room("yard").IsMember(eve.Account.Id));
        using var guests = await yard.NewGuestAsync("Zoe");
        Assert.Equal("200", await UseAsync(guests, many));
    }

    [Fact]
    public async Task Nothing_is_left_of_the_links_of_a_room_or_an_account_that_ends()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var admin = broker.Get<AccountDirectory>().FindByUserName("first")!;
        var admins = new Member(admin, await broker.TokenAsync(admin, verbs: WebMessenger.Auth.Sessions.Verbs.Everything));
        var (makers, theirs) = (await yard.MakeAsync(), await yard.MakeAsync(by: admins));
        var erased = await broker.Get<Auth.SigningIn.AccountChanges>().EraseAsync(yard.Talk.Maker.Account, "correct horse battery staple", null);
        Assert.True(erased.TryGet(out _, out var refusal), $"{refusal}");

        // The room is the moderator's by now.
        Assert.Equal(None, await yard.LookAsync(makers.Secret));
        Assert.Equal("200", await yard.LookAsync(theirs.Secret));
        Assert.Equal(3, Stored(broker).Count);
        using var owners = Calls.As(broker, yard.Talk.Mod);
        await owners.Delete("/api/rooms/yard");

        Assert.Equal(None, await yard.LookAsync(theirs.Secret));
        Assert.Empty(Stored(broker));
    }

    [Fact]
    public async Task A_link_opens_the_room_for_as_long_as_who_made_it_may_invite()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync();
        Assert.Equal("200", await yard.LookAsync(link.Secret));
        await Acts.GiveAsync(broker, "yard", yard.Talk.Maker, yard.Talk.Mod, MemberRole.Owner);
        using var guests = await yard.NewGuestAsync("Zoe");

        Assert.Equal(None, await yard.LookAsync(link.Secret));
        Assert.Equal(None, await UseAsync(guests, link));
    }

    [Fact]
    public async Task A_link_that_cannot_be_read_opens_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync();
        var records = broker.Get<IRecords>();
        var key = InviteLink.Key(broker.Room("yard").Key, link.Id);
        var later = Encoding.UTF8.GetString(records.Find(key)!).Replace("{", "{\"onlyFor\":\"bea\",", StringComparison.Ordinal);
        await records.WriteAsync([new RecordChange(key, Encoding.UTF8.GetBytes(later))]);

        Assert.Equal(None, await yard.LookAsync(link.Secret));
        Assert.Empty(await yard.LeftAsync());
    }

    [Fact]
    public async Task The_secret_stands_in_no_store_and_no_log()
    {
        LogOfEverything log = new();
        await using var broker = await RunningBroker.StartWithAsync(log.TakeOver);
        var yard = await InYardAsync(broker);
        using var makers = Calls.As(broker, yard.Talk.Maker);
        var link = await yard.MakeAsync(new { uses = 5 });
        using var guests = await yard.NewGuestAsync("Zoe");
        Assert.Equal("200", await yard.LookAsync(link.Secret));
        Assert.Equal("200", await UseAsync(guests, link));

        // As a program might get it wrong.
        foreach (var body in new object[] { new { secret = new[] { link.Secret } }, new { secret = link.Secret + link.Secret }, new { uses = link.Secret } })
        {
            foreach (var path in new[] { Use, Use + "/look", Links })
            {
                Assert.DoesNotContain(link.Secret, (await makers.SendAsync(HttpMethod.Post, path, body)).Text, StringComparison.Ordinal);
            }
        }

        await makers.Delete($"{Links}/{link.Id}");
        Assert.NotEmpty(log.Lines);
        Assert.All(log.Lines, line => Assert.DoesNotContain(link.Secret, line, StringComparison.Ordinal));
        await broker.Program.DisposeAsync();
        Assert.All(
            Directory.EnumerateFiles(broker.DataFolder, "*", SearchOption.AllDirectories),
            file => Assert.DoesNotContain(link.Secret, File.ReadAllText(file, Encoding.Latin1), StringComparison.Ordinal));
    }

    private static List<string> Stored(RunningBroker broker) =>
    [
        .. new[] { "invite/", "invitesecret/", "inviteuser/", "maker/" }
            .SelectMany(prefix => broker.Get<IRecords>().ReadAll(Encoding.ASCII.GetBytes(prefix))).Select(record => Encoding.Latin1.GetString(record.Key)),
    ];
}
