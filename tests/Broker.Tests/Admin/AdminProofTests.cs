using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Admin;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>What cannot be undone takes the administrator's own password, of the last five minutes and in that browser.</summary>
public sealed class AdminProofTests
{
    private const string Link = "/api/admin/accounts/ana/password-link";

    [Fact]
    public async Task A_proof_lasts_five_minutes_and_for_its_own_login_session()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var desk = await Desk.OpenAsync(services => services.AddSingleton(provider => new AdminProofs(provider.GetRequiredService<AccountCare>(), time)));
        using var elsewhere = await Desk.PageOfAsync(desk.Broker, desk.Admin);
        Assert.Equal("proof_needed", Desk.Code(await desk.Page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Link)));
        await desk.ProveAsync();

        time.Advance(AdminProofs.Lifetime - TimeSpan.FromSeconds(1));
        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, Link);
        Assert.Equal("proof_needed", Desk.Code(await elsewhere.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Link)));

        time.Advance(TimeSpan.FromSeconds(1));
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Post, Link), (HttpMethod.Delete, "/api/admin/accounts/ana"), (HttpMethod.Put, "/api/admin/accounts/ana/admin"),
        })
        {
            Assert.Equal("proof_needed", Desk.Code(await desk.Page.Expect(HttpStatusCode.Forbidden, method, path)));
        }

        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, Link, new { password = Desk.Password });
        await desk.Page.Put("/api/admin/accounts/ana/admin");
    }

    [Fact]
    public async Task Wrong_passwords_prove_nothing_and_count_as_wrong_passwords_do()
    {
        await using var desk = await Desk.OpenAsync(null, "--WebMessenger:Limits:SignInsPerMinutePerAddress", "1000");
        var wrong = await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/admin/proof", new { password = "not this one" });
        Assert.Equal("wrong", wrong.GetProperty("errors").GetProperty("password")[0].GetProperty("code").GetString());
        await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Link, new { password = "nor this one" });
        var missing = await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/admin/proof", new { });
        Assert.Equal("required", missing.GetProperty("errors").GetProperty("password")[0].GetProperty("code").GetString());

        HttpStatusCode last;
        var tries = 0;
        do
        {
            (last, _) = await desk.Page.SendAsync(HttpMethod.Post, "/api/admin/proof", new { password = "not this one" });
        }
        while (last == HttpStatusCode.BadRequest && ++tries < 100);

        Assert.Equal(HttpStatusCode.TooManyRequests, last);
        Assert.Equal(
            "too_many_attempts", Desk.Code(await desk.Page.Expect(HttpStatusCode.TooManyRequests, HttpMethod.Post, "/api/admin/proof", new { password = Desk.Password })));
        Assert.Equal("proof_needed", Desk.Code(await desk.Page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Link)));
    }
}
