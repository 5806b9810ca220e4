using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Notices;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Invites.InviteTalk;

namespace WebMessenger.Broker.Tests.Invites;

/// <summary>Who asks to be let into a room, who decides, and what ends it.</summary>
public sealed class JoinRequestTests
{
    internal const string Requests = "/api/rooms/yard/requests";

    [Fact]
    public async Task Who_is_let_in_is_on_the_list_at_once_and_is_told_and_who_is_not_is_told_in_neutral_words()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var (eve, fay) = (await MessageTalk.MayAllAsync(broker, "eve"), await MessageTalk.MayAllAsync(broker, "fay"));
        using var eves = Calls.As(broker, eve);
        using var fays = Calls.As(broker, fay);
        await eves.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);

        var asked = await eves.Expect(HttpStatusCode.Created, HttpMethod.Post, Requests, new { note = "I know\nBea." });
        Assert.Equal(30, (asked.GetProperty("until").GetDateTimeOffset() - asked.GetProperty("at").GetDateTimeOffset()).TotalDays);
        await eves.Expect(HttpStatusCode.OK, HttpMethod.Post, Requests, new { note = "Please." });
        await fays.Expect(HttpStatusCode.Created, HttpMethod.Post, Requests, new { });
        await broker.RestartAsync();

        using var evesAgain = Calls.As(broker, eve);
        using var faysAgain = Calls.As(broker, fay);
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("I know ⏎ Bea.", (await evesAgain.Get(Requests + "/me")).GetProperty("request").GetProperty("note").GetString());
        Assert.Equal(["eve: I know ⏎ Bea.", "fay: "], await AskedAsync(mods));
        foreach (var host in new[] { talk.Mod, talk.Maker })
        {
            var told = await NoticeTalk.NoticesAsync(broker, host);
            Assert.Equal(["request eve yard", "request fay yard"], told.Select(one => $"{one.Type()} {User(one)} {one.GetProperty("room").GetString()}"));
        }

        await using var client = await broker.ConnectAsync(eve);
        await client.SubscribeAsync("users/eve/notices");
        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, Requests + "/eve", new { accept = true });
        Assert.True(broker.Room("yard").MembershipOf(eve.Account.Id)!.IsStored);
        var heard = (await client.NextPublishAsync()).Json;
        Assert.Equal(("requested", true, "yard", ""), (heard.Type(), heard.GetProperty("accepted").GetBoolean(), heard.GetProperty("room").GetString(), User(heard)));
        Assert.Equal(JsonValueKind.Null, (await evesAgain.Get(Requests + "/me")).GetProperty("request").ValueKind);

        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, Requests + "/fay", new { accept = false });
        Assert.False(broker.Room("yard").IsMember(fay.Account.Id));
        var declined = Assert.Single(await NoticeTalk.NoticesAsync(broker, fay));
        Assert.Equal((false, ""), (declined.GetProperty("accepted").GetBoolean(), User(declined)));
        Assert.Empty(await AskedAsync(mods));
        await mods.Expect(HttpStatusCode.NotFound, HttpMethod.Put, Requests + "/fay", new { accept = true });
        Assert.Equal(["decline fay", "admit eve"], (await mods.Get("/api/rooms/yard/audit?limit=2")).GetProperty("entries").EnumerateArray()
            .Select(one => $"{one.Type()} {one.GetProperty("target").GetProperty("user").GetString()}"));
    }

    [Fact]
    public async Task Who_was_declined_asks_again_after_seven_days_and_what_nobody_answers_is_over_after_thirty()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(services => services
            .AddSingleton(provider => ActivatorUtilities.CreateInstance<JoinRequestStore>(provider, time))
            .AddSingleton(provider => ActivatorUtilities.CreateInstance<JoinRequests>(provider, time)));
        var talk = await InAskedYardAsync(broker);
        using var eves = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "eve"));
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("201", await AskAsync(eves, "Secret words."));
        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, Requests + "/eve", new { accept = false });
        Assert.DoesNotContain("Secret", Kept(broker), StringComparison.Ordinal);

        Assert.Equal("404 no_such_request", await TakenBackAsync(eves));
        Assert.Equal("429 declined", await AskAsync(eves));
        time.Advance(TimeSpan.FromDays(7));
        Assert.Equal("201", await AskAsync(eves));
        Assert.Single(await AskedAsync(mods));
        time.Advance(TimeSpan.FromDays(30));
        Assert.Empty(await AskedAsync(mods));
        await broker.Get<JoinRequestStore>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", Kept(broker));
        Assert.Empty(Makers(broker));
    }

    [Fact]
    public async Task A_request_is_taken_back_and_ends_with_a_place_on_the_list_a_ban_the_rule_the_account_and_the_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        using var eves = Calls.As(broker, eve);
        using var mods = Calls.As(broker, talk.Mod);
        async Task AskedAnewAsync()
        {
            Assert.Equal("201", await AskAsync(eves));
            Assert.NotEqual("", Kept(broker));
        }

        void Ended()
        {
            Assert.Equal("", Kept(broker));
            Assert.Empty(Makers(broker));
        }

        await AskedAnewAsync();
        Assert.Equal("204", await TakenBackAsync(eves));
        Assert.Equal("404 no_such_request", await TakenBackAsync(eves));
        Ended();

        await AskedAnewAsync();
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), eve.Account);
        Ended();
        Assert.Equal("204", await AskAsync(eves));
        await eves.Delete("/api/rooms/yard/members/me");

        await AskedAnewAsync();
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account)).Refusal);
        Ended();

        // Who is banned is answered as everybody, and nobody is asked about him.
        var told = (await NoticeTalk.NoticesAsync(broker, talk.Mod)).Length;
        await AskedAnewAsync();
        Assert.Empty(await AskedAsync(mods));
        await mods.Expect(HttpStatusCode.NotFound, HttpMethod.Put, Requests + "/eve", new { accept = true });
        Assert.Equal(told, (await NoticeTalk.NoticesAsync(broker, talk.Mod)).Length);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", eve.Account)).Refusal);
        Assert.Single(await AskedAsync(mods));

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "invite" });
        Ended();
        Assert.Equal("403 not_allowed", await AskAsync(eves));
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "request" });

        var fay = await MessageTalk.MayAllAsync(broker, "fay");
        using var fays = Calls.As(broker, fay);
        Assert.Equal("201", await AskAsync(fays));
        await broker.Get<AccountChanges>().EraseAsync(fay.Account, "correct horse battery staple", null);
        Ended();

        await AskedAnewAsync();
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard");
        Ended();
    }

    [Fact]
    public async Task Guests_do_not_ask_nor_does_anybody_where_all_come_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        using var guests = Calls.OfPage(broker, await broker.SignInAsync(guest));
        using var eves = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "eve"));

        Assert.Equal("201", await AskAsync(eves));
        Assert.Equal("403 not_for_guests", await AskAsync(guests));
        var refused = await eves.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Requests, new { note = new string('x', 201) });
        Assert.True(refused.GetProperty("errors").TryGetProperty("note", out _));
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "open" });
        using var fays = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "fay"));
        Assert.Equal("403 not_allowed", await AskAsync(fays));
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private", Entry = "request" });
        Assert.Equal("404 no_such_room", await AskAsync(fays));
    }

    [Fact]
    public async Task So_many_ask_to_be_let_into_a_room_and_one_account_so_often_a_day()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:JoinRequestsPerRoom", "2", "--WebMessenger:Limits:JoinRequestsPerDay", "2");
        await InAskedYardAsync(broker);
        using var eves = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "eve"));
        using var fays = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "fay"));
        using var gils = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "gil"));

        Assert.Equal("201", await AskAsync(eves));
        Assert.Equal("201", await AskAsync(fays));
        Assert.Equal("409 too_many", await AskAsync(gils));
        Assert.Equal("204", await TakenBackAsync(eves));
        Assert.Equal("201", await AskAsync(eves));
        Assert.Equal("204", await TakenBackAsync(eves));
        Assert.Equal("429 too_many_attempts", await AskAsync(eves));
        Assert.Equal("201", await AskAsync(gils));
    }

    [Fact]
    public async Task A_request_is_paid_for_as_what_one_says()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "3000");
        await InAskedYardAsync(broker);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        using var eves = Calls.As(broker, eve);
        await using (var client = await broker.ConnectAsync(eve))
        {
            Assert.True((await client.PublishAsync("rooms/lobby", new string('x', 2_750))).Accepted);
        }

        Assert.Equal("429 quota", await AskAsync(eves, new string('n', 200)));
        Assert.Equal("", Kept(broker));
    }

    [Fact]
    public async Task A_full_room_lets_nobody_in_who_waits_on()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = 1 });
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await beas.SubscribeAsync(MessageTalk.Topic);
        using var eves = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "eve"));
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("201", await AskAsync(eves));

        var refused = await mods.Expect(HttpStatusCode.Conflict, HttpMethod.Put, Requests + "/eve", new { accept = true });
        Assert.Equal("room_full", refused.GetProperty("code").GetString());
        Assert.Single(await AskedAsync(mods));
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = 0 });
        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, Requests + "/eve", new { accept = true });
    }

    [Fact]
    public async Task Who_looks_after_the_room_sees_and_answers_requests_and_nobody_else_does()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var admin = broker.Get<AccountDirectory>().FindByUserName("first")!;
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        using var eves = Calls.As(broker, eve);
        Assert.Equal("201", await AskAsync(eves));

        // What is answered to somebody who has not asked tells who may answer.
        async Task<(string, string)> TriedAsync(Calls who)
        {
            using (who)
            {
                var (seen, seenText) = await who.SendAsync(HttpMethod.Get, Requests);
                var (answered, answeredText) = await who.SendAsync(HttpMethod.Put, Requests + "/bea", new { accept = true });
                return (Said(seen, seenText), Said(answered, answeredText));
            }
        }

        async Task<Calls> ByTokenAsync(Verbs verbs, params string[] rooms) => Calls.As(
            broker, talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, rooms.Length == 0 ? null : rooms, verbs) });

        var admins = new Member(admin, await broker.TokenAsync(admin, verbs: Verbs.Everything));
        foreach (var who in new[] { Calls.As(broker, admins), Calls.As(broker, talk.Maker), Calls.As(broker, talk.Mod), await ByTokenAsync(Verbs.Read | Verbs.Moderate, "yard") })
        {
            Assert.Equal(("200", "404 no_such_request"), await TriedAsync(who));
        }

        foreach (var who in new[]
        {
            Calls.As(broker, talk.Bea), Calls.As(broker, eve), Calls.OfPage(broker, await broker.SignInAsync(guest)), await ByTokenAsync(Verbs.All),
        })
        {
            Assert.Equal(("403 not_allowed", "403 not_allowed"), await TriedAsync(who));
        }

        Assert.Equal(("404 no_such_room", "404 no_such_room"), await TriedAsync(await ByTokenAsync(Verbs.Everything, "lobby")));
        var requests = broker.Get<JoinRequests>();
        Assert.Equal(JoinOutcome.NotAllowed, await requests.AcceptAsync(broker.Room("yard"), eve.Account, talk.Bea.Account));
        Assert.Equal(JoinOutcome.NotAllowed, await requests.DeclineAsync(broker.Room("yard"), eve.Account, talk.Bea.Account));
        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
        Assert.Equal(JoinOutcome.Done, await requests.AcceptAsync(broker.Room("yard"), eve.Account, talk.Mod.Account));
    }

    /// <summary>A room that people come into by asking.</summary>
    internal static async Task<MessageTalk> InAskedYardAsync(RunningBroker broker)
    {
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "request" })).Refusal);
        return talk;
    }

    internal static async Task<string> AskAsync(Calls who, string note = "Let me in.")
    {
        var (status, text) = await who.SendAsync(HttpMethod.Post, Requests, new { note });
        return Said(status, text);
    }

    internal static async Task<string> TakenBackAsync(Calls who)
    {
        var (status, text) = await who.SendAsync(HttpMethod.Delete, Requests + "/me");
        return Said(status, text);
    }

    internal static async Task<string[]> AskedAsync(Calls who) => [.. (await who.Get(Requests)).GetProperty("requests").EnumerateArray()
        .Select(one => $"{one.GetProperty("user").GetString()}: {one.GetProperty("note").GetString()}")];

    private static string Kept(RunningBroker broker) =>
        string.Concat(broker.Get<IRecords>().ReadAll("request/"u8).Select(one => System.Text.Encoding.UTF8.GetString(one.Value)));

    private static IEnumerable<string> Makers(RunningBroker broker) => broker.Get<IRecords>().ReadAll("maker/"u8)
        .Select(one => System.Text.Encoding.ASCII.GetString(one.Key)).Where(key => key.Contains("/request/", StringComparison.Ordinal));

    private static string? User(JsonElement notice) => notice.GetProperty("from").GetProperty("user").GetString();
}
