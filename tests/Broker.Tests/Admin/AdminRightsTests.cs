using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>Who looks after the server: administrators by their cookie, and nobody else, by nothing else.</summary>
public sealed class AdminRightsTests
{
    private static readonly (HttpMethod Method, string Path, object? Body)[] _calls =
    [
        (HttpMethod.Get, "overview", null),
        (HttpMethod.Get, "figures?hours=24", null),
        (HttpMethod.Get, "accounts", null),
        (HttpMethod.Get, "accounts/ana", null),
        (HttpMethod.Get, "rooms", null),
        (HttpMethod.Get, "audit", null),
        (HttpMethod.Get, "settings", null),
        (HttpMethod.Patch, "settings", new Dictionary<string, object?> { ["Limits:TextLength"] = 3999 }),
        (HttpMethod.Post, "proof", new { password = Desk.Password }),
        (HttpMethod.Post, "accounts/bob/ban", new { reason = "spam" }),
        (HttpMethod.Delete, "accounts/bob/ban", null),
        (HttpMethod.Delete, "accounts/bob/sessions?tokens=true", null),
        (HttpMethod.Post, "accounts/bob/password-link", new { password = Desk.Password }),
        (HttpMethod.Put, "rooms/lobby/owner", new { user = "bob" }),
        (HttpMethod.Put, "rooms/yard/archive", null),
        (HttpMethod.Delete, "rooms/yard/archive", null),
        (HttpMethod.Delete, "rooms/yard", null),
        (HttpMethod.Put, "accounts/bob/admin", new { password = Desk.Password }),
    ];

    [Fact]
    public async Task Every_call_is_for_the_cookie_of_an_administrator_alone()
    {
        await using var desk = await Desk.OpenAsync();
        await using var inLobby = await desk.Broker.ConnectAsync(desk.Bob);
        await inLobby.SubscribeAsync("rooms/lobby");
        using var anas = await Desk.PageOfAsync(desk.Broker, desk.Ana);
        await anas.MakeRoom("yard");
        using var guests = await desk.GuestAsync("Zoe");
        using var byToken = Calls.As(desk.Broker, desk.Admin);
        using HttpClient nobody = new() { BaseAddress = desk.Broker.Http };
        foreach (var (method, path, body) in _calls)
        {
            Assert.Equal("not_allowed", Desk.Code(await anas.Expect(HttpStatusCode.Forbidden, method, "/api/admin/" + path, body)));
            Assert.Equal("not_allowed", Desk.Code(await guests.Expect(HttpStatusCode.Forbidden, method, "/api/admin/" + path, body)));
            Assert.Equal("not_signed_in", Desk.Code(await byToken.Expect(HttpStatusCode.Unauthorized, method, "/api/admin/" + path, body)));
            using HttpRequestMessage request = new(method, "/api/admin/" + path);
            using var answer = await nobody.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        Assert.Empty(await desk.ActsAsync());
        foreach (var (method, path, body) in _calls)
        {
            var (status, text) = await desk.Page.SendAsync(method, "/api/admin/" + path, body);
            Assert.True((int)status < 300, $"{method} {path}: {(int)status} {text}");
        }
    }

    [Fact]
    public async Task Nothing_is_done_to_another_administrator_but_by_the_operator()
    {
        await using var desk = await Desk.OpenAsync();
        await desk.ProveAsync();
        await desk.Page.Put("/api/admin/accounts/ana/admin");
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Post, "ban", new { reason = "no" }), (HttpMethod.Delete, "sessions", null), (HttpMethod.Post, "password-link", null),
            (HttpMethod.Delete, "", null), (HttpMethod.Delete, "admin", null),
        })
        {
            var refused = await desk.Page.Expect(HttpStatusCode.Forbidden, method, $"/api/admin/accounts/ana/{path}".TrimEnd('/'), body);
            Assert.Equal("is_administrator", Desk.Code(refused));
        }

        Assert.True(desk.Broker.Get<AccountDirectory>().FindByUserName("ana") is { Ban: null, Profile.IsAdministrator: true });
        Assert.Equal("ana is an administrator no more.", await Operator.TypedCommand.DoneAsync(desk.Broker, "account", "unadmin", "ana"));
        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/admin/accounts/ana/ban", new { reason = "yes" });
    }

    [Fact]
    public async Task An_administrator_steps_down_while_another_one_remains_and_is_signed_out_by_it()
    {
        await using var desk = await Desk.OpenAsync();
        await desk.ProveAsync();
        Assert.Equal("last_administrator", Desk.Code(await desk.Page.Expect(HttpStatusCode.Conflict, HttpMethod.Delete, "/api/admin/accounts/admina/admin")));
        await desk.Page.Put("/api/admin/accounts/ana/admin");

        await desk.Page.Delete("/api/admin/accounts/admina/admin");

        await desk.Page.Get("/api/admin/overview", HttpStatusCode.Unauthorized);
        using var again = await Desk.PageOfAsync(desk.Broker, desk.Admin);
        await again.Get("/api/admin/overview", HttpStatusCode.Forbidden);
        using var anas = await Desk.PageOfAsync(desk.Broker, desk.Ana);
        await anas.Get("/api/admin/overview");
        await desk.Broker.RestartAsync();
        Assert.False(desk.Broker.Get<AccountDirectory>().FindByUserName("admina")!.Profile.IsAdministrator);
        Assert.True(desk.Broker.Get<AccountDirectory>().FindByUserName("ana")!.Profile.IsAdministrator);
    }

    [Fact]
    public async Task Guests_and_banned_accounts_are_not_made_administrators()
    {
        await using var desk = await Desk.OpenAsync();
        await desk.ProveAsync();
        using var guest = await desk.GuestAsync("Zoe");
        var name = (await guest.Get("/api/session")).GetProperty("user").GetString();
        Assert.Equal("not_for_guests", Desk.Code(await desk.Page.Put($"/api/admin/accounts/{name}/admin", HttpStatusCode.Forbidden)));
        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/admin/accounts/ana/ban", new { });
        Assert.Equal("is_banned", Desk.Code(await desk.Page.Put("/api/admin/accounts/ana/admin", HttpStatusCode.Conflict)));
        Assert.Equal("no_such_account", Desk.Code(await desk.Page.Put("/api/admin/accounts/nobody/admin", HttpStatusCode.NotFound)));
    }

    [Fact]
    public async Task Rights_are_asked_again_where_nobody_else_can_change_the_account()
    {
        await using var desk = await Desk.OpenAsync();
        var (care, links) = (desk.Broker.Get<AccountCare>(), desk.Broker.Get<PasswordLinks>());
        Assert.Equal(PasswordLinkResult.NotAllowed, (await links.MakeAsync("ana", _ => false)).Result);
        Assert.Equal(CareResult.NotAllowed, await care.SetAdministratorAsync(desk.Ana.Account, isAdministrator: true, () => false));
        Assert.False(await care.EndSessionsAsync(desk.Ana.Account, alsoTokens: true, () => false));
        Assert.False(await care.EraseAsync(desk.Ana.Account, () => false));
        Assert.False(desk.Ana.Account.IsErased);

        // Who was an administrator when he asked, and is none by then.
        var session = (await desk.Broker.SignInAsync(desk.Bob.Account)).Session;
        await desk.Broker.Get<AccountBans>().BanAsync("ana", null);
        Assert.Equal("not_allowed", (await desk.Broker.Get<AdminAccounts>().UnbanAsync(new AdminActor(session), "ana")).Refused!.Code);
        Assert.Equal(PasswordLinkResult.Done, (await links.MakeAsync("bob", _ => true)).Result);
    }
}
