using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Tests.Sessions;

/// <summary>What ends by itself ends as long after a clock was set as it would have without.</summary>
public sealed class MovedClockTests
{
    private static readonly TimeSpan _tenYears = TimeSpan.FromDays(3652);

    [Fact]
    public async Task Fault_B13_Login_sessions_and_guests_live_on_when_the_clock_is_set_ten_years_ahead_and_end_in_their_time()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var guest = await fixture.EnterAsync("Zoe");
        var guestIn = await fixture.Auth.Sessions.StartAsync(guest, "test", null);
        Assert.NotNull(guestIn);
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromHours(23));

        await fixture.Auth.Sessions.MoveAsync(_tenYears, () => fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + _tenYears));

        Assert.Equal(0, await fixture.Auth.Changes.RemoveOldGuestsAsync());
        await fixture.Auth.Sessions.SweepAsync();
        await fixture.RestartAsync();
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(browser.Secret));
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(guestIn.Secret));

        // A copy of an old cookie must not live for ever by it.
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromHours(2));
        Assert.Equal(1, await fixture.Auth.Changes.RemoveOldGuestsAsync());
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + LoginSessions.CookieLifetime);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
        Assert.Equal("ana", ana.UserName);
    }

    [Fact]
    public async Task Fault_B13_A_token_ends_at_the_date_that_its_owner_chose()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var end = fixture.Time.GetUtcNow() + TimeSpan.FromDays(90);
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, end));

        await fixture.Auth.Sessions.MoveAsync(TimeSpan.FromDays(10));

        Assert.Equal(end, token.Token.ExpiresAt);
    }
}
