using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Notices;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Reports;

/// <summary>What a report keeps, for how long, and whom it tells.</summary>
public sealed class ReportTests
{
    private const string Reports = "/api/rooms/yard/reports";

    [Fact]
    public async Task A_report_keeps_the_message_as_it_was_and_tells_who_looks_after_the_room_and_then_who_reported_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, "a rude word");
        using var beas = Calls.As(broker, talk.Bea);
        using var mods = Calls.As(broker, talk.Mod);

        var made = await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, Reports, new { seq = said, reason = "It\nis rude." });
        Assert.Equal(30, (made.GetProperty("until").GetDateTimeOffset() - made.GetProperty("at").GetDateTimeOffset()).TotalDays);
        await beas.Expect(HttpStatusCode.OK, HttpMethod.Post, Reports, new { seq = said, reason = "It is rude." });
        Assert.Null((await talk.EditAsync(talk.Caio, said, "a kind word")).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Caio, said)).Refusal);
        await broker.RestartAsync();

        using var again = Calls.As(broker, talk.Mod);
        var report = Assert.Single((await again.Get(Reports + "?state=open")).GetProperty("reports").EnumerateArray());
        Assert.Equal(("a rude word", "It ⏎ is rude.", "caio", "bea", "open", said), (
            Of(report, "text"), Of(report, "reason"), User(report, "author"), User(report, "from"), Of(report, "state"), report.GetProperty("seq").GetInt64()));
        Assert.False(report.TryGetProperty("room", out _));
        var told = Assert.Single(await NoticeTalk.NoticesAsync(broker, talk.Mod));
        Assert.Equal(("report", "bea", said, "yard", "Room yard"), (told.Type(), User(told, "from"), NoticeTalk.Of(told), Of(told, "room"), Of(told, "title")));
        Assert.DoesNotContain("rude", told.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("report", Assert.Single(await NoticeTalk.NoticesAsync(broker, talk.Maker)).Type());
        Assert.Empty(await NoticeTalk.NoticesAsync(broker, talk.Caio));
        Assert.Equal(1, (await NoticeTalk.PageAsync(broker, talk.Mod)).GetProperty("unread").GetInt32());

        await again.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{Of(report, "id")}", new { decision = "acted", note = "Warned him." });
        await again.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{Of(report, "id")}", new { decision = "acted" });
        await again.Expect(HttpStatusCode.Conflict, HttpMethod.Put, $"{Reports}/{Of(report, "id")}", new { decision = "dismissed" });
        Assert.Empty((await again.Get(Reports + "?state=open")).GetProperty("reports").EnumerateArray());
        var decided = Assert.Single((await again.Get(Reports + "?state=decided")).GetProperty("reports").EnumerateArray());
        Assert.Equal(("acted", "dora"), (Of(decided, "state"), Of(decided, "decidedBy")));
        var answer = Assert.Single(await NoticeTalk.NoticesAsync(broker, talk.Bea));
        Assert.Equal(("reported", "", said), (answer.Type(), User(answer, "from"), NoticeTalk.Of(answer)));
        Assert.DoesNotContain("dora", answer.GetRawText(), StringComparison.Ordinal);
        var entry = (await again.Get("/api/rooms/yard/audit")).GetProperty("entries")[0];
        Assert.Equal(("acted", "dora", "caio", "Warned him.", said), (
            entry.Type(), User(entry, "from"), User(entry, "target"), Of(entry, "reason"), NoticeTalk.Of(entry)));
    }

    [Fact]
    public async Task What_is_no_message_of_somebody_else_is_not_reported()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var (own, gone) = (await talk.SayAsync(talk.Bea, "mine"), await talk.SayAsync(talk.Caio, "gone"));
        await talk.DeleteAsync(talk.Caio, gone);
        using var beas = Calls.As(broker, talk.Bea);

        Assert.Equal("403 not_allowed", await TriedAsync(beas, own));
        Assert.Equal("410 removed", await TriedAsync(beas, gone));
        Assert.Equal("404 no_such_event", await TriedAsync(beas, 9_999));
        foreach (var (body, field) in new (object, string)[]
        {
            (new { seq = 0, reason = "x" }, "seq"),
            (new { reason = "x" }, "seq"),
            (new { seq = own, reason = " " }, "reason"),
            (new { seq = own }, "reason"),
            (new { seq = own, reason = new string('x', 501) }, "reason"),
        })
        {
            var refused = await beas.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Reports, body);
            Assert.True(refused.GetProperty("errors").TryGetProperty(field, out _), $"{refused}");
        }
    }

    [Fact]
    public async Task What_was_reported_goes_a_day_after_somebody_decided_and_after_thirty_days_in_any_case()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<RoomReports>(provider, time)));
        var talk = await MessageTalk.InYardAsync(broker);
        var (first, second) = (await talk.SayAsync(talk.Caio, "the first word"), await talk.SayAsync(talk.Caio, "the second word"));
        using var beas = Calls.As(broker, talk.Bea);
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("201", await TriedAsync(beas, first));
        var id = Of((await mods.Get(Reports)).GetProperty("reports")[0], "id");
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal("201", await TriedAsync(beas, second));
        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{id}", new { decision = "dismissed" });

        time.Advance(TimeSpan.FromHours(23));
        Assert.Equal([second, first], await SeqsAsync(mods));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal([second], await SeqsAsync(mods));
        await mods.Expect(HttpStatusCode.NotFound, HttpMethod.Put, $"{Reports}/{id}", new { decision = "dismissed" });
        await broker.Get<RoomReports>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("the first word", Kept(broker), StringComparison.Ordinal);
        Assert.Contains("the second word", Kept(broker), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromDays(29));
        Assert.Empty(await SeqsAsync(mods));
        await broker.Get<RoomReports>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Empty(broker.Get<IRecords>().ReadAll("report/"u8));
        Assert.Empty(broker.Get<IRecords>().ReadAll("reports/"u8));
    }

    [Fact]
    public async Task Reports_go_with_their_room_and_lose_the_name_of_who_made_them_with_him()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, "a rude word");
        using var beas = Calls.As(broker, talk.Bea);
        Assert.Equal("201", await TriedAsync(beas, said));

        await broker.Get<AccountChanges>().EraseAsync(talk.Bea.Account, "correct horse battery staple", null);
        using var makers = Calls.As(broker, talk.Maker);
        var report = (await makers.Get(Reports)).GetProperty("reports")[0];
        Assert.Equal(JsonValueKind.Null, report.GetProperty("from").ValueKind);
        await makers.Delete("/api/rooms/yard");

        Assert.Empty(broker.Get<IRecords>().ReadAll("report/"u8));
        Assert.Empty(broker.Get<IRecords>().ReadAll("reports/"u8));
    }

    [Fact]
    public async Task An_account_reports_so_often_a_day()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ReportsPerDay", "2");
        var talk = await MessageTalk.InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);
        using var mods = Calls.As(broker, talk.Mod);
        long[] said = [await talk.SayAsync(talk.Caio, "1"), await talk.SayAsync(talk.Caio, "2"), await talk.SayAsync(talk.Caio, "3")];

        Assert.Equal("201", await TriedAsync(beas, said[0]));
        Assert.Equal("200", await TriedAsync(beas, said[0]));
        Assert.Equal("404 no_such_event", await TriedAsync(beas, 9_999));
        Assert.Equal("201", await TriedAsync(beas, said[1]));
        Assert.Equal("429 too_many_attempts", await TriedAsync(beas, said[2]));
        Assert.Equal("201", await TriedAsync(mods, said[2]));
    }

    [Fact]
    public async Task A_room_keeps_so_many_reports_of_which_those_that_are_decided_make_way_and_guests_have_half()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ReportsPerRoom", "2");
        var talk = await MessageTalk.InYardAsync(broker);
        long[] said = [await talk.SayAsync(talk.Caio, "1"), await talk.SayAsync(talk.Caio, "2"), await talk.SayAsync(talk.Caio, "3")];
        using var beas = Calls.As(broker, talk.Bea);
        using var mods = Calls.As(broker, talk.Mod);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        using var guests = Calls.OfPage(broker, await broker.SignInAsync(guest));

        Assert.Equal("201", await TriedAsync(guests, said[0]));
        Assert.Equal("409 too_many", await TriedAsync(guests, said[1]));
        Assert.Equal("201", await TriedAsync(beas, said[1]));
        Assert.Equal("409 too_many", await TriedAsync(beas, said[2]));
        var oldest = Of((await mods.Get(Reports)).GetProperty("reports")[1], "id");
        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{oldest}", new { decision = "dismissed" });
        Assert.Equal("201", await TriedAsync(beas, said[2]));
        Assert.Equal([said[2], said[1]], await SeqsAsync(mods));
        Assert.Equal(2, broker.Get<IRecords>().ReadAll("reports/"u8).Count);
    }

    [Fact]
    public async Task One_account_has_so_many_open_reports_in_a_room_and_fills_it_for_nobody()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);
        using var mods = Calls.As(broker, talk.Mod);
        List<long> said = [];
        for (var number = 0; number <= RoomReports.OpenPerAccount; number++)
        {
            said.Add(await talk.SayAsync(talk.Caio, $"{number}"));
        }

        foreach (var seq in said.SkipLast(1))
        {
            Assert.Equal("201", await TriedAsync(beas, seq));
        }

        Assert.Equal("409 too_many", await TriedAsync(beas, said[^1]));
        Assert.Equal("201", await TriedAsync(mods, said[^1]));
        Assert.Equal("201", await TriedAsync(beas, await talk.SayAsync(talk.Caio, "elsewhere", "lobby"), room: "lobby"));
        var oldest = Of((await mods.Get(Reports)).GetProperty("reports").EnumerateArray().Last(), "id");
        await mods.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Reports}/{oldest}", new { decision = "dismissed" });
        Assert.Equal("201", await TriedAsync(beas, said[^1]));
    }

    [Fact]
    public async Task A_report_is_paid_for_as_what_one_says()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "4000");
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, new string('x', 1_200));
        using var beas = Calls.As(broker, talk.Bea);
        await talk.SayAsync(talk.Bea, new string('x', 2_800));

        Assert.Equal("429 quota", await TriedAsync(beas, said, new string('r', 500)));
        Assert.Empty(broker.Get<IRecords>().ReadAll("report/"u8));
    }

    [Fact]
    public async Task Reports_come_page_by_page_and_those_of_all_rooms_to_administrators()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        long[] said = [await talk.SayAsync(talk.Caio, "1"), await talk.SayAsync(talk.Caio, "2"), await talk.SayAsync(talk.Caio, "3", "lobby")];
        using var beas = Calls.As(broker, talk.Bea);
        foreach (var (room, seq) in new[] { ("yard", said[0]), ("yard", said[1]), ("lobby", said[2]) })
        {
            await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, $"/api/rooms/{room}/reports", new { seq, reason = "Rude." });
        }

        using var mods = Calls.As(broker, talk.Mod);
        var page = await mods.Get(Reports + "?limit=1");
        Assert.Equal(said[1], page.GetProperty("reports")[0].GetProperty("seq").GetInt64());
        var rest = await mods.Get($"{Reports}?limit=1&before={Of(page, "next")}");
        Assert.Equal((said[0], JsonValueKind.Null), (rest.GetProperty("reports")[0].GetProperty("seq").GetInt64(), rest.GetProperty("next").ValueKind));
        await mods.Get(Reports + "?before=x", HttpStatusCode.BadRequest);
        await mods.Get(Reports + "?state=x", HttpStatusCode.BadRequest);
        await mods.Get(Reports + "?limit=201", HttpStatusCode.BadRequest);

        var admin = broker.Get<WebMessenger.Auth.Accounts.AccountDirectory>().FindByUserName("first")!;
        using var admins = Calls.OfPage(broker, await broker.SignInAsync(admin));
        List<string> all = [];
        for (var cursor = ""; cursor is not null;)
        {
            var one = await admins.Get($"/api/admin/reports?state=open&limit=2{cursor}");
            all.AddRange(one.GetProperty("reports").EnumerateArray().Select(report => $"{Of(report, "room")} {Of(report, "title")} {Of(report, "text")}"));
            cursor = one.GetProperty("cursor").GetString() is { } next ? "&cursor=" + next : null;
        }

        Assert.Equal(["lobby Lobby 3", "yard Room yard 2", "yard Room yard 1"], all);

        // A private room that he is not in does not open to him.
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        var opening = (await admins.Get("/api/admin/reports")).GetProperty("reports").EnumerateArray().ToDictionary(
            report => Of(report, "text")!, report => report.GetProperty("mayRead").GetBoolean());
        Assert.Equal((true, false, false), (opening["3"], opening["2"], opening["1"]));
        Assert.False((await mods.Get(Reports)).GetProperty("reports")[0].TryGetProperty("mayRead", out _));

        // In the lobby nobody looks after what is said: the administrators are told.
        Assert.Equal("lobby", Of(Assert.Single(await NoticesOfAsync(admins)), "room"));
    }

    [Fact]
    public async Task Who_is_ignored_or_looks_after_the_room_no_more_is_not_told_nor_shown_a_notice()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, "a rude word");
        using var page = Calls.OfPage(broker, await broker.SignInAsync(talk.Maker.Account));
        await page.Put("/api/ignored/bea");
        using var beas = Calls.As(broker, talk.Bea);

        Assert.Equal("201", await TriedAsync(beas, said));

        Assert.Empty(await NoticesOfAsync(page));
        Assert.Single(await NoticeTalk.NoticesAsync(broker, talk.Mod));
        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Mod, MemberRole.Member)).Refusal);
        Assert.Empty(await NoticeTalk.NoticesAsync(broker, talk.Mod));
    }

    internal static async Task<string> TriedAsync(Calls who, long seq, string reason = "It is rude.", string room = "yard")
    {
        var (status, text) = await who.SendAsync(HttpMethod.Post, $"/api/rooms/{room}/reports", new { seq, reason });
        return Invites.InviteTalk.Said(status, text);
    }

    private static async Task<JsonElement[]> NoticesOfAsync(Calls who) => [.. (await who.Get("/api/notices")).GetProperty("events").EnumerateArray()];

    private static async Task<long[]> SeqsAsync(Calls who) =>
        [.. (await who.Get(Reports)).GetProperty("reports").EnumerateArray().Select(one => one.GetProperty("seq").GetInt64())];

    private static string Kept(RunningBroker broker) =>
        string.Concat(broker.Get<IRecords>().ReadAll("report/"u8).Select(one => System.Text.Encoding.UTF8.GetString(one.Value)));

    private static string? Of(JsonElement element, string field) => element.GetProperty(field).GetString();

    private static string? User(JsonElement element, string field) => element.GetProperty(field).GetProperty("user").GetString();
}
