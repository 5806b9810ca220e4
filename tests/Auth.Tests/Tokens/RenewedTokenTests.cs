using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Tokens;

/// <summary>Another secret for the same token: there is never a moment, and no way to stop or fail, at which both open something.</summary>
public sealed class RenewedTokenTests
{
    [Fact]
    public async Task Attack_26_The_secret_before_opens_nothing_and_its_clients_are_closed_also_after_a_restart()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (_, token, by) = await SensorAsync(fixture);
        var client = TestClient.AttachedTo(token.Token);

        var renewed = AuthFixture.Must(await fixture.Auth.Tokens.RenewAsync(token.Token, by, _ => true));

        Assert.Equal(RevocationReason.TokenRenewed, await client.Revoked);
        Assert.False(token.Token.TryAttach(new TestClient("late")));
        for (var start = 0; start < 2; start++)
        {
            Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
            var found = fixture.Auth.Tokens.FindBearer(renewed.Secret)!;
            Assert.Equal((token.Token.Id, "sensor", "garden"), (found.Id, found.Device, found.Scope.Mount));
            Assert.Equal(found, Assert.Single(fixture.Auth.Tokens.List(found.Account)));
            Assert.Equal(found, Assert.Single(fixture.Auth.Tokens.MountedOn("garden")));
            await fixture.RestartAsync();
        }

        Assert.True(await fixture.Auth.Tokens.RevokeAsync(fixture.Auth.Tokens.FindBearer(renewed.Secret)!.Account, token.Token.Id));
        Assert.Empty(fixture.Auth.Tokens.MountedOn("garden"));
    }

    [Fact]
    public async Task Attack_23_Whoever_revokes_it_meanwhile_revokes_it_for_good()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (account, token, by) = await SensorAsync(fixture);
        var client = TestClient.AttachedTo(token.Token, closes: false);

        var renewing = fixture.Auth.Tokens.RenewAsync(token.Token, by, _ => true);
        await client.Revoked;

        // No device any more, and whoever revokes it finds it all the same.
        Assert.Null(fixture.Auth.Tokens.FindMounted("garden", token.Token.Id));
        var found = fixture.Auth.Tokens.FindMounted("garden", token.Token.Id, isEnding: true)!;
        var revoking = fixture.Auth.Tokens.RevokeAsync(found.Account, found.Id);
        client.Close();

        Assert.True(await revoking);
        Assert.Equal("BadCredentials", AuthFixture.Code(await renewing));
        Assert.Empty(fixture.Auth.Tokens.List(account));
        await fixture.RestartAsync();
        Assert.Empty(fixture.Auth.Tokens.MountedOn("garden"));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
    }

    [Fact]
    public async Task Attack_23_Whoever_found_it_before_it_was_renewed_revokes_the_renewed_one()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (_, token, by) = await SensorAsync(fixture);
        var renewed = AuthFixture.Must(await fixture.Auth.Tokens.RenewAsync(token.Token, by, _ => true));

        await fixture.Auth.Sessions.EndAsync(token.Token, RevocationReason.TokenRevoked);

        Assert.Null(fixture.Auth.Tokens.FindBearer(renewed.Secret));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.Tokens.RenewAsync(token.Token, by, _ => true)));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Tokens.FindBearer(renewed.Secret));
    }

    [Fact]
    public async Task Who_is_in_the_room_no_more_or_signed_out_meanwhile_gets_no_other_secret_and_the_token_ends()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (account, token, by) = await SensorAsync(fixture);

        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.Tokens.RenewAsync(token.Token, by, _ => false)));

        Assert.Empty(fixture.Auth.Tokens.List(account));
        var other = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "sensor", null, null, null, mount: new AskedMount("garden", null, _ => true)));
        await fixture.Auth.Sessions.EndAsync(by);
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.Tokens.RenewAsync(other.Token, by, _ => true)));
        await fixture.RestartAsync();
        Assert.Empty(fixture.Auth.Tokens.MountedOn("garden"));
    }

    [Fact]
    public async Task Fault_R4_While_the_disk_refuses_neither_secret_opens_anything_and_the_end_is_stored_later()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (account, token, by) = await SensorAsync(fixture);

        fixture.Records.Fails = true;
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.Auth.Tokens.RenewAsync(token.Token, by, _ => true));

        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.Empty(fixture.Auth.Tokens.List(account));
        fixture.Records.Fails = false;
        await fixture.Auth.Sessions.RetryEndsAsync();
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
    }

    private static async Task<(Account Account, CreatedToken Token, LoginSession By)> SensorAsync(AuthFixture fixture)
    {
        var account = await fixture.RegisterAsync("ana");
        var made = await fixture.Auth.Tokens.CreateAsync(account, "sensor", null, null, null, mount: new AskedMount("garden", null, _ => true));
        return (account, AuthFixture.Must(made), (await fixture.SignInAsync("ana")).Session);
    }
}
