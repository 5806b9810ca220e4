using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Notices;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Invites.InviteTalk;

namespace WebMessenger.Broker.Tests.Reports;

/// <summary>Who reports, sees and decides.</summary>
public sealed class ReportRightsTests
{
    private const string Reports = "/api/rooms/yard/reports";

    [Fact]
    public async Task Whoever_reads_a_message_reports_it_and_who_looks_after_the_room_sees_and_decides()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, "a rude word");
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        var admin = broker.Get<AccountDirectory>().FindByUserName("first")!;
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        using var admins = Calls.As(broker, new Member(admin, await broker.TokenAsync(admin, verbs: Verbs.Everything)));
        using var guests = Calls.OfPage(broker, await broker.SignInAsync(guest));
        using var makers = Calls.As(broker, talk.Maker);
        using var mods = Calls.As(broker, talk.Mod);
        using var beas = Calls.As(broker, talk.Bea);
        using var eves = Calls.As(broker, eve);

        foreach (var who in new[] { admins, makers, mods })
        {
            Assert.Equal(("201", "200", "204"), await TriedByAsync(broker, who, makers, said));
        }

        foreach (var who in new[] { beas, guests, eves })
        {
            Assert.Equal(("201", "403 not_allowed", "403 not_allowed"), await TriedByAsync(broker, who, makers, said));
        }

        // A stranger reads a private room as little as he reports in it, and an administrator sees there what was reported alone.
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        Assert.Equal(("404 no_such_room", "404 no_such_room", "404 no_such_room"), await TriedByAsync(broker, eves, makers, said));
        var outside = broker.Get<AccessTokens>().FindBearer(eve.Token)!;
        Assert.Equal(ReportOutcome.NoSuchRoom, (await broker.Get<RoomReports>().MakeAsync(broker.Room("yard"), outside, said, "Rude.")).Outcome);
        Assert.Equal(("404 no_such_room", "200", "204"), await TriedByAsync(broker, admins, makers, said));
    }

    [Fact]
    public async Task A_token_reports_with_the_verb_post_and_sees_and_decides_with_moderate_in_its_rooms()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, "a rude word");
        using var makers = Calls.As(broker, talk.Maker);
        async Task<(string, string, string)> WithAsync(Verbs verbs, string[]? rooms = null)
        {
            using var calls = Calls.As(broker, talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, rooms, verbs) });
            return await TriedByAsync(broker, calls, makers, said);
        }

        Assert.Equal(("201", "200", "204"), await WithAsync(Verbs.Everything));
        Assert.Equal(("403 not_allowed", "200", "204"), await WithAsync(Verbs.Read | Verbs.Moderate));
        Assert.Equal(("403 not_allowed", "200", "204"), await WithAsync(Verbs.Read | Verbs.Moderate, ["yard"]));
        Assert.Equal(("201", "403 not_allowed", "403 not_allowed"), await WithAsync(Verbs.All));
        Assert.Equal(("404 no_such_room", "404 no_such_room", "404 no_such_room"), await WithAsync(Verbs.Everything, ["lobby"]));
    }

    [Fact]
    public async Task Nobody_sees_or_decides_what_was_reported_of_himself_or_of_his_like()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Caio, MemberRole.Moderator)).Refusal);
        var admin = broker.Get<AccountDirectory>().FindByUserName("first")!;
        var first = new Member(admin, await broker.TokenAsync(admin, verbs: Verbs.Everything));
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), admin);
        using var beas = Calls.As(broker, talk.Bea);
        using var makers = Calls.As(broker, talk.Maker);
        using var admins = Calls.As(broker, first);
        using var mods = Calls.As(broker, talk.Mod);
        using var caios = Calls.As(broker, talk.Caio);
        var (ofMod, ofMaker, ofAdmin) =
            (await talk.SayAsync(talk.Caio, "a moderator's"), await talk.SayAsync(talk.Maker, "the owner's"), await talk.SayAsync(first, "the administrator's"));
        foreach (var seq in new[] { ofMod, ofMaker, ofAdmin })
        {
            Assert.Equal("201", await ReportTests.TriedAsync(beas, seq));
        }

        Assert.Empty(await SeenAsync(caios));
        Assert.Empty(await SeenAsync(mods));
        Assert.Equal(["a moderator's"], await SeenAsync(makers));
        Assert.Equal(["the owner's", "a moderator's"], await SeenAsync(admins));
        Assert.Empty(await NoticeTalk.NoticesAsync(broker, talk.Mod));
        Assert.Empty(await NoticeTalk.NoticesAsync(broker, talk.Caio));
        Assert.Equal([ofMod], (await NoticeTalk.NoticesAsync(broker, talk.Maker)).Select(NoticeTalk.Of));
        Assert.Equal([ofMaker], (await NoticeTalk.NoticesAsync(broker, first)).Select(NoticeTalk.Of));

        var id = (await makers.Get(Reports)).GetProperty("reports")[0].GetProperty("id").GetString();
        foreach (var who in new[] { caios, mods })
        {
            await who.Expect(HttpStatusCode.NotFound, HttpMethod.Put, $"{Reports}/{id}", new { decision = "dismissed" });
        }

        // What moderators read of it says neither of whom nor why.
        await makers.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{id}", new { decision = "acted", note = "Talked to Caio." });
        var entry = (await caios.Get("/api/rooms/yard/audit")).GetProperty("entries")[0];
        Assert.Equal("acted", entry.Type());
        Assert.DoesNotContain("aio", entry.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_muted_moderator_decides_without_a_note()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("201", await ReportTests.TriedAsync(beas, await talk.SayAsync(talk.Caio, "a rude word")));
        var path = $"{Reports}/{(await mods.Get(Reports)).GetProperty("reports")[0].GetProperty("id").GetString()}";
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account)).Refusal);

        var refused = await mods.Expect(HttpStatusCode.Forbidden, HttpMethod.Put, path, new { decision = "acted", note = "Listen to me." });
        Assert.Equal("muted", refused.GetProperty("code").GetString());
        Assert.Equal("open", (await mods.Get(Reports)).GetProperty("reports")[0].GetProperty("state").GetString());

        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, path, new { decision = "acted" });
    }

    [Fact]
    public async Task Who_is_out_of_a_private_room_hears_nothing_of_what_became_of_his_reports()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" })).Refusal);
        var (room, members) = (broker.Room("yard"), broker.Get<RoomMembers>());
        using var mods = Calls.As(broker, talk.Mod);
        var (early, late) = (await talk.SayAsync(talk.Caio, "a rude word"), await talk.SayAsync(talk.Caio, "another"));
        async Task ReportedAsync(long seq)
        {
            using var beas = Calls.As(broker, talk.Bea);
            Assert.Equal("201", await ReportTests.TriedAsync(beas, seq));
        }

        async Task DecidedAsync()
        {
            var id = (await mods.Get(Reports + "?state=open")).GetProperty("reports")[0].GetProperty("id").GetString();
            await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{id}", new { decision = "dismissed" });
        }

        async Task<long[]> ToldAsync() => [.. (await NoticeTalk.NoticesAsync(broker, talk.Bea)).Select(NoticeTalk.Of)];

        await ReportedAsync(early);
        await DecidedAsync();
        Assert.Equal([early], await ToldAsync());
        await ReportedAsync(late);
        await members.LeaveAsync(room, talk.Bea.Account, byItself: true);
        await DecidedAsync();

        Assert.Empty(await ToldAsync());
        await members.JoinAsync(room, talk.Bea.Account);
        Assert.Equal([early], await ToldAsync());
    }

    [Fact]
    public async Task The_reports_of_all_rooms_are_for_administrators_alone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var admin = broker.Get<AccountDirectory>().FindByUserName("first")!;
        async Task<string> WithAsync(Account account, Verbs verbs, string[]? rooms = null)
        {
            using var calls = Calls.As(broker, new Member(account, await broker.TokenAsync(account, rooms, verbs)));
            var (status, text) = await calls.SendAsync(HttpMethod.Get, "/api/admin/reports");
            return Said(status, text);
        }

        Assert.Equal("200", await WithAsync(admin, Verbs.Everything));
        Assert.Equal("403 not_allowed", await WithAsync(admin, Verbs.All));
        Assert.Equal("403 not_allowed", await WithAsync(admin, Verbs.Everything, ["yard"]));
        Assert.Equal("403 not_allowed", await WithAsync(talk.Maker.Account, Verbs.Everything));
        using HttpClient nobody = new() { BaseAddress = broker.Http };
        using var answer = await nobody.GetAsync(new Uri("/api/admin/reports", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    // What reporting, seeing and deciding is answered. What is decided somebody else has reported, and all that is open is decided then.
    private static async Task<(string Make, string See, string Decide)> TriedByAsync(RunningBroker broker, Calls who, Calls makers, long seq)
    {
        var made = await ReportTests.TriedAsync(who, seq);
        var (seen, seenText) = await who.SendAsync(HttpMethod.Get, Reports);
        await broker.Get<RoomReports>().MakeAsync(broker.Room("yard"), await SomebodyAsync(broker), seq, "Rude.");
        var open = (await makers.Get(Reports + "?state=open")).GetProperty("reports").EnumerateArray().Select(one => one.GetProperty("id").GetString()).ToArray();
        var (decided, decidedText) = await who.SendAsync(HttpMethod.Put, $"{Reports}/{open[0]}", new { decision = "dismissed" });
        foreach (var id in open)
        {
            await makers.SendAsync(HttpMethod.Put, $"{Reports}/{id}", new { decision = "dismissed" });
        }

        return (made, Said(seen, seenText), Said(decided, decidedText));
    }

    private static async Task<LoginSession> SomebodyAsync(RunningBroker broker)
    {
        var account = broker.Get<AccountDirectory>().FindByUserName("bea")!;
        return broker.Get<AccessTokens>().FindBearer(await broker.TokenAsync(account, verbs: Verbs.Everything))!;
    }

    private static async Task<string[]> SeenAsync(Calls who) =>
        [.. (await who.Get(Reports)).GetProperty("reports").EnumerateArray().Select(one => one.GetProperty("text").GetString()!)];
}
