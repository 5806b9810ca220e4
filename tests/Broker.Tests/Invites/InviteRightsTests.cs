using System.Net;
using System.Net.Http.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Invites.InviteTalk;

namespace WebMessenger.Broker.Tests.Invites;

/// <summary>Who makes, sees and takes back invite links, and how many.</summary>
public sealed class InviteRightsTests
{
    [Fact]
    public async Task The_owner_and_administrators_make_see_and_revoke_links_and_nobody_else_does()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var admin = broker.Get<AccountDirectory>().FindByUserName("first")!;
        var admins = new Member(admin, await broker.TokenAsync(admin, verbs: Verbs.Everything));
        foreach (var who in new[] { yard.Talk.Maker, admins })
        {
            using var calls = Calls.As(broker, who);
            Assert.Equal(("201", "200", "204"), await TriedByAsync(yard, calls));
        }

        using var page = Calls.OfPage(broker, await broker.SignInAsync(yard.Talk.Maker.Account));
        Assert.Equal(("201", "200", "204"), await TriedByAsync(yard, page));
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        using var guests = await yard.NewGuestAsync("Zoe");
        foreach (var member in new[] { yard.Talk.Mod, yard.Talk.Bea, eve })
        {
            using var calls = Calls.As(broker, member);
            Assert.Equal(("403 not_allowed", "403 not_allowed", "403 not_allowed"), await TriedByAsync(yard, calls));
            Assert.Equal(
                RoomChange.NotAllowed, (await broker.Get<InviteLinks>().MakeAsync(broker.Room("yard"), member.Account, TimeSpan.FromDays(1), 0)).Change);
            var another = await yard.MakeAsync();
            Assert.Equal(RoomChange.NotAllowed, await broker.Get<InviteLinks>().RevokeAsync(broker.Room("yard"), member.Account, another.Id));
        }

        Assert.Equal(("403 not_allowed", "403 not_allowed", "403 not_allowed"), await TriedByAsync(yard, guests));

        // Into a private room that he is not in an administrator lets nobody, and to others it is none.
        await Acts.ChangeAsync(broker, "yard", yard.Talk.Maker, new() { Visibility = "private" });
        using var adminsCalls = Calls.As(broker, admins);
        using var eves = Calls.As(broker, eve);
        Assert.Equal(("403 not_allowed", "403 not_allowed", "403 not_allowed"), await TriedByAsync(yard, adminsCalls));
        Assert.Equal(("404 no_such_room", "404 no_such_room", "404 no_such_room"), await TriedByAsync(yard, eves));
        Assert.Equal(("404 no_such_room", "404 no_such_room", "404 no_such_room"), await TriedByAsync(yard, guests));
    }

    [Fact]
    public async Task Attack_80_It_takes_a_token_that_asked_for_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        async Task<(string, string, string)> WithAsync(Verbs verbs, string[]? rooms = null)
        {
            using var calls = Calls.As(broker, yard.Talk.Maker with { Token = await broker.TokenAsync(yard.Talk.Maker.Account, rooms, verbs) });
            return await TriedByAsync(yard, calls);
        }

        Assert.Equal(("201", "200", "204"), await WithAsync(Verbs.Read | Verbs.Moderate));
        Assert.Equal(("201", "200", "204"), await WithAsync(Verbs.Read | Verbs.Moderate, ["yard"]));
        Assert.Equal(("403 not_allowed", "403 not_allowed", "403 not_allowed"), await WithAsync(Verbs.All));
        Assert.Equal(("404 no_such_room", "404 no_such_room", "404 no_such_room"), await WithAsync(Verbs.Read | Verbs.Moderate, ["lobby"]));
    }

    [Fact]
    public async Task Attack_80_A_token_that_is_limited_to_other_rooms_comes_in_by_no_link()
    {
        await using var broker = await RunningBroker.StartAsync();
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync();
        var eve = await broker.RegisterAsync("eve");
        async Task<string> WithAsync(Verbs verbs, params string[] rooms)
        {
            using var calls = Calls.As(broker, eve with { Token = await broker.TokenAsync(eve.Account, rooms.Length == 0 ? null : rooms, verbs) });
            return await UseAsync(calls, link);
        }

        Assert.Equal("404 no_such_invite", await WithAsync(Verbs.Read, "lobby"));
        Assert.Equal("404 no_such_invite", await WithAsync(Verbs.Post));
        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
        Assert.Equal("200", await WithAsync(Verbs.Read, "yard"));
    }

    [Fact]
    public async Task A_room_has_so_many_links_and_those_that_are_used_up_count_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitesPerRoom", "2");
        var yard = await InYardAsync(broker);
        var (once, many) = (await yard.MakeAsync(new { uses = 1 }), await yard.MakeAsync());
        using var makers = Calls.As(broker, yard.Talk.Maker);
        var refused = await makers.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Links, new { });
        Assert.Equal("too_many", refused.GetProperty("code").GetString());
        using var guests = await yard.NewGuestAsync("Zoe");
        Assert.Equal("200", await UseAsync(guests, once));

        await yard.MakeAsync();
        await makers.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Links, new { });
        await makers.Delete($"{Links}/{many.Id}");
        await yard.MakeAsync();
    }

    [Fact]
    public async Task Links_and_invitations_are_so_many_a_day_together_over_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay", "3");
        var yard = await InYardAsync(broker);
        using (var makers = Calls.As(broker, yard.Talk.Maker))
        {
            await yard.MakeAsync();
            await makers.Put("/api/rooms/yard/members/nobody", HttpStatusCode.Accepted);
            await yard.MakeAsync();
            await makers.Expect(HttpStatusCode.TooManyRequests, HttpMethod.Post, Links, new { });
        }

        await broker.RestartAsync();
        using var again = Calls.As(broker, yard.Talk.Maker);
        var refused = await again.Expect(HttpStatusCode.TooManyRequests, HttpMethod.Post, Links, new { });
        Assert.Equal("too_many_invitations", refused.GetProperty("code").GetString());
        Assert.Equal(2, (await yard.LeftAsync()).Length);
    }

    [Fact]
    public async Task Who_is_not_signed_in_looks_so_often_from_an_address_and_keeps_nobody_from_coming_in()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:SignInsPerMinutePerAddress", "3");
        var yard = await InYardAsync(broker);
        var link = await yard.MakeAsync();
        for (var times = 0; times < 3; times++)
        {
            Assert.Equal(times == 1 ? "404 no_such_invite" : "200", await yard.LookAsync(times == 1 ? "x" : link.Secret));
        }

        using HttpClient http = new() { BaseAddress = broker.Http };
        var cancellation = TestContext.Current.CancellationToken;
        using var refused = await http.PostAsJsonAsync(new Uri(Use + "/look", UriKind.Relative), new { secret = link.Secret }, cancellation);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        using var signedIn = await http.PostAsJsonAsync(
            new Uri("/api/session", UriKind.Relative), new { login = "bea", password = "correct horse battery staple" }, cancellation);
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        using var guests = await yard.NewGuestAsync("Zoe");
        await guests.Expect(HttpStatusCode.OK, HttpMethod.Post, Use + "/look", new { secret = link.Secret });
        Assert.Equal("200", await UseAsync(guests, link));
    }

    [Theory]
    [InlineData("""{"minutes":0}""", "minutes")]
    [InlineData("""{"minutes":43201}""", "minutes")]
    [InlineData("""{"uses":-1}""", "uses")]
    [InlineData("""{"uses":1001}""", "uses")]
    [InlineData("""{"uses":"many"}""", "uses")]
    public async Task What_no_link_may_be_is_refused_with_its_field_and_costs_none(string body, string field)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay", "1");
        var yard = await InYardAsync(broker);
        using var makers = Calls.As(broker, yard.Talk.Maker);
        var asked = System.Text.Json.JsonDocument.Parse(body).RootElement;
        var refused = await makers.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Links, asked);
        Assert.True(refused.GetProperty("errors").TryGetProperty(field, out _));

        var longest = await yard.MakeAsync(new { minutes = 43_200, uses = 1_000 });
        Assert.Equal(1_000, longest.Told.GetProperty("uses").GetInt32());
    }

    // What making, seeing and revoking is answered; what is revoked was made by the owner.
    private static async Task<(string Make, string See, string Revoke)> TriedByAsync(InviteTalk yard, Calls who)
    {
        var links = yard.Broker.Get<InviteLinks>();
        var (_, link, _) = await links.MakeAsync(yard.Broker.Room("yard"), yard.Talk.Maker.Account, TimeSpan.FromDays(1), 0);
        var (made, madeText) = await who.SendAsync(HttpMethod.Post, Links, new { });
        var (seen, seenText) = await who.SendAsync(HttpMethod.Get, Links);
        var (revoked, revokedText) = await who.SendAsync(HttpMethod.Delete, $"{Links}/{link!.Id}");
        return (Said(made, madeText), Said(seen, seenText), Said(revoked, revokedText));
    }
}
