using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using Calls = WebMessenger.Broker.Tests.Rooms.Calls;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>The list of accounts, and what becomes of open clients when something is done to one.</summary>
public sealed class AdminAccountsTests
{
    private const string Accounts = "/api/admin/accounts";

    private static string[] Names(JsonElement page) => [.. page.GetProperty("accounts").EnumerateArray().Select(one => one.GetProperty("user").GetString()!)];

    private static async Task<JsonElement> AnaAsync(Desk desk) => await desk.Page.Get(Accounts + "/ana");

    [Fact]
    public async Task Accounts_are_found_without_case_and_accents_and_listed_page_by_page()
    {
        await using var desk = await Desk.OpenAsync();
        using var guest = await desk.GuestAsync("Zoë");
        await using var tab = await desk.Broker.ConnectBrowserAsync(await desk.Broker.SignInAsync(desk.Ana.Account));

        var first = await desk.Page.Get(Accounts + "?limit=2");
        Assert.Equal(["admina", "ana"], Names(first));
        var rest = await desk.Page.Get($"{Accounts}?limit=2&cursor={first.GetProperty("cursor").GetString()}");
        Assert.Equal("bob", Names(rest)[0]);
        Assert.False(rest.TryGetProperty("cursor", out _));
        Assert.Equal(["ana"], Names(await desk.Page.Get(Accounts + "?query=ANA%20lovelace")));
        Assert.Equal(["admina"], Names(await desk.Page.Get(Accounts + "?filter=administrators")));
        Assert.Equal("Zoë", (await desk.Page.Get(Accounts + "?filter=guests&query=zoe")).GetProperty("accounts")[0].GetProperty("name").GetString());
        Assert.Empty(Names(await desk.Page.Get(Accounts + "?filter=banned")));

        var ana = await AnaAsync(desk);
        Assert.Equal(
            ("Ána Lovelace", "person", false, 1, 1, false),
            (ana.GetProperty("name").GetString(), ana.GetProperty("kind").GetString(), ana.GetProperty("isAdmin").GetBoolean(),
                ana.GetProperty("loginSessions").GetInt32(), ana.GetProperty("connections").GetInt32(), ana.GetProperty("banned").GetBoolean()));
        Assert.True(ana.TryGetProperty("since", out _) && ana.TryGetProperty("lastSeen", out _));
        foreach (var wrong in new[] { "limit=201", "filter=odd", "cursor=", "query=" + new string('x', 101) })
        {
            await desk.Page.Get($"{Accounts}?{wrong}", HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task A_ban_is_over_on_every_client_before_the_answer_and_ends_at_its_time()
    {
        await using var desk = await Desk.OpenAsync();
        await using var tab = await desk.Broker.ConnectBrowserAsync(await desk.Broker.SignInAsync(desk.Ana.Account), "tab");
        await using var bot = await desk.Broker.ConnectAsync(desk.Ana, MqttVersion.V311, "bot");
        var until = DateTimeOffset.UtcNow.AddDays(1);

        var banned = await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, Accounts + "/ana/ban", new { until, reason = "spam" });

        Assert.DoesNotContain(desk.Broker.Get<ConnectionDirectory>().OfAccount(desk.Ana.Account.Id), client => !client.Transport.Closed.IsCompleted);
        Assert.Empty(desk.Broker.Get<LoginSessions>().List(desk.Ana.Account));
        Assert.True(banned.GetProperty("banned").GetBoolean());
        Assert.Equal("spam", banned.GetProperty("banReason").GetString());
        Assert.Equal(until.ToUnixTimeMilliseconds(), banned.GetProperty("bannedUntil").GetDateTimeOffset().ToUnixTimeMilliseconds());
        Assert.Equal(["ana"], Names(await desk.Page.Get(Accounts + "?filter=banned")));
        Assert.Equal("already_banned", Desk.Code(await desk.Page.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Accounts + "/ana/ban", new { })));
        Assert.Contains("banned until", (await SignInAsync(desk)).Text, StringComparison.Ordinal);

        // It is stored with its end.
        await desk.RestartAsync();
        var ana = desk.Broker.Get<AccountDirectory>().FindByUserName("ana")!;
        Assert.Equal(until.ToUnixTimeMilliseconds(), ana.Ban!.Until!.Value.ToUnixTimeMilliseconds());
        await desk.Broker.Get<AccountBans>().LiftOverAsync();
        Assert.NotNull(ana.Ban);
        await desk.Page.Delete(Accounts + "/ana/ban", HttpStatusCode.OK);
        Assert.Equal("not_banned", Desk.Code(await desk.Page.Delete(Accounts + "/ana/ban", HttpStatusCode.NotFound)));
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync(desk)).Status);
        Assert.Equal(["unban", "ban"], await desk.ActsAsync());
    }

    [Fact]
    public async Task A_ban_for_a_time_is_lifted_when_it_is_over()
    {
        await using var desk = await Desk.OpenAsync();
        var bans = desk.Broker.Get<AccountBans>();
        await bans.BanAsync("ana", "for a moment", DateTimeOffset.UtcNow.AddSeconds(-1));
        await bans.BanAsync("bob", "for good");

        await bans.LiftOverAsync();

        Assert.Null(desk.Ana.Account.Ban);
        Assert.NotNull(desk.Bob.Account.Ban);
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync(desk)).Status);
    }

    [Fact]
    public async Task What_a_ban_says_is_checked_first()
    {
        await using var desk = await Desk.OpenAsync();
        await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Accounts + "/ana/ban", new { until = DateTimeOffset.UtcNow.AddMinutes(-1) });
        await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Accounts + "/ana/ban", new { reason = "two\nlines" });
        Assert.Equal("no_such_account", Desk.Code(await desk.Page.Expect(HttpStatusCode.NotFound, HttpMethod.Post, Accounts + "/nobody/ban", new { })));
        Assert.Null(desk.Ana.Account.Ban);
    }

    [Fact]
    public async Task Login_sessions_end_at_once_and_tokens_if_asked_for()
    {
        await using var desk = await Desk.OpenAsync();
        await using var tab = await desk.Broker.ConnectBrowserAsync(await desk.Broker.SignInAsync(desk.Ana.Account), "tab");
        await using var bot = await desk.Broker.ConnectAsync(desk.Ana, clientId: "bot");

        await desk.Page.Delete(Accounts + "/ana/sessions", HttpStatusCode.OK);

        await tab.PublishesUntilClosedAsync();
        await Clients.HandshakeTests.UntilAsync(() => desk.Broker.Get<ConnectionDirectory>().OfAccount(desk.Ana.Account.Id).Length == 1);
        await desk.Page.Delete(Accounts + "/ana/sessions?tokens=true", HttpStatusCode.OK);
        await bot.PublishesUntilClosedAsync();
        Assert.Empty(desk.Broker.Get<LoginSessions>().List(desk.Ana.Account));
        await desk.Page.Delete(Accounts + "/ana/sessions?tokens=maybe", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_password_link_of_an_administrator_works_and_ends_all_that_was_open()
    {
        await using var desk = await Desk.OpenAsync();
        await using var bot = await desk.Broker.ConnectAsync(desk.Ana, clientId: "bot");

        var made = await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, Accounts + "/ana/password-link", new { password = Desk.Password });

        await bot.PublishesUntilClosedAsync();
        Assert.Empty(desk.Broker.Get<LoginSessions>().List(desk.Ana.Account));
        var url = new Uri(made.GetProperty("url").GetString()!);
        Assert.Equal(("/p", desk.Broker.Http.Authority), (url.AbsolutePath, url.Authority));
        using var stranger = await desk.GuestAsync("Zoe");
        var looked = await stranger.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/password-links/look", new { secret = url.Fragment[1..] });
        Assert.Equal("ana", looked.GetProperty("user").GetString());
        Assert.Equal(["password-link"], await desk.ActsAsync());
        var stored = string.Concat(desk.Broker.Get<WebMessenger.Storage.EventLog.IRecords>().ReadAll("au/"u8).Select(one => System.Text.Encoding.UTF8.GetString(one.Value)));
        Assert.DoesNotContain(url.Fragment[1..], stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_erased_account_is_gone_everywhere_and_a_new_administrator_signs_in_anew()
    {
        await using var desk = await Desk.OpenAsync();
        await using var anas = await desk.Broker.ConnectAsync(desk.Ana, clientId: "bot");
        await using var bobs = await desk.Broker.ConnectAsync(desk.Bob, clientId: "bot");
        await desk.ProveAsync();

        await desk.Page.Delete(Accounts + "/ana");
        await desk.Page.Put(Accounts + "/bob/admin");

        await anas.PublishesUntilClosedAsync();
        await bobs.PublishesUntilClosedAsync();
        await desk.Page.Get(Accounts + "/ana", HttpStatusCode.NotFound);
        Assert.Equal(["admina", "bob"], Names(await desk.Page.Get(Accounts + "?filter=administrators")));
        Assert.Equal(["admin", "erase"], await desk.ActsAsync());
        var entry = (await desk.Page.Get("/api/admin/audit?limit=1")).GetProperty("entries")[0];
        Assert.Equal(("admina", "bob"), (entry.GetProperty("by").GetString(), entry.GetProperty("target").GetString()));
        await desk.Page.Get("/api/admin/audit?before=yesterday", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task All_accounts_come_in_pages_each_of_them_once()
    {
        await using var desk = await Desk.OpenAsync();
        for (var i = 0; i < 300; i++)
        {
            var entered = await desk.Broker.Get<Registration>().EnterAsGuestAsync($"Visitor {i}", null);
            Assert.True(entered.TryGet(out _, out var refusal), $"{refusal}");
        }

        string? cursor = null;
        List<string> seen = [];
        do
        {
            var page = await desk.Page.Get($"{Accounts}?filter=guests&limit=200{(cursor is null ? "" : $"&cursor={cursor}")}");
            Assert.InRange(Names(page).Length, 1, 200);
            seen.AddRange(Names(page));
            cursor = page.TryGetProperty("cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        Assert.Equal(300, seen.Distinct().Count());
    }

    private static async Task<(HttpStatusCode Status, string Text)> SignInAsync(Desk desk)
    {
        using var door = await desk.GuestAsync("Door" + Guid.NewGuid().ToString("N")[..8]);
        return await door.SendAsync(HttpMethod.Post, "/api/session", new { login = "ana", password = Desk.Password });
    }
}
