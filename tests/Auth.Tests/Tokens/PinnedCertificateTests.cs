using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Tokens;

/// <summary>A client certificate is another key to its token, for as long as it is the token's.</summary>
public sealed class PinnedCertificateTests
{
    [Fact]
    public async Task Attack_23_Who_was_let_in_by_a_certificate_that_is_taken_away_meanwhile_does_not_come_in()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (token, by) = await TokenAsync(fixture);
        var (certificate, pem) = Make(fixture);
        AuthFixture.Must(await fixture.Auth.Tokens.PinAsync(token, pem, by, _ => true));
        var entry = AuthFixture.Must(fixture.Auth.MqttSignIn.FindByCertificate("ana", certificate.Fingerprint, AuthFixture.Home)!.Value);
        TestClient early = new("early") { Certificate = entry.Certificate }, late = new("late") { Certificate = entry.Certificate }, other = new("other");
        Assert.True(entry.Session.TryAttach(early) && entry.Session.TryAttach(other));

        var taking = fixture.Auth.Tokens.UnpinAsync(token);

        Assert.Equal(RevocationReason.CertificateTaken, await early.Revoked);
        Assert.False(entry.Session.TryAttach(late));
        early.Close();
        Assert.True(await taking);
        Assert.False(other.Revoked.IsCompleted);
        Assert.Null(fixture.Auth.MqttSignIn.FindByCertificate(null, certificate.Fingerprint, AuthFixture.Home));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Tokens.FindPinned(certificate.Fingerprint));
    }

    [Fact]
    public async Task It_is_found_again_after_a_restart_with_its_dates_and_beside_all_else_of_the_token()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (token, by) = await TokenAsync(fixture);
        var (certificate, pem) = Make(fixture);
        AuthFixture.Must(await fixture.Auth.Tokens.PinAsync(token, pem, by, _ => true));
        for (var start = 0; start < 2; start++)
        {
            var found = fixture.Auth.Tokens.FindPinned(certificate.Fingerprint)!;
            Assert.Equal((token.Id, "garden", certificate), (found.Id, found.Scope.Mount, found.Certificate));
            await fixture.RestartAsync();
        }

        await fixture.Auth.Tokens.ForgetRoomAsync("garden");
        Assert.Null(fixture.Auth.Tokens.FindPinned(certificate.Fingerprint));
    }

    [Fact]
    public async Task What_the_disk_refuses_lets_nobody_in()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (token, by) = await TokenAsync(fixture);
        var (certificate, pem) = Make(fixture);
        fixture.Records.Fails = true;
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.Auth.Tokens.PinAsync(token, pem, by, _ => true));
        Assert.Null(fixture.Auth.Tokens.FindPinned(certificate.Fingerprint));

        fixture.Records.Fails = false;
        AuthFixture.Must(await fixture.Auth.Tokens.PinAsync(token, pem, by, _ => true));
        fixture.Records.Fails = true;
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.Auth.Tokens.UnpinAsync(token));
        Assert.Null(fixture.Auth.Tokens.FindPinned(certificate.Fingerprint));
        fixture.Records.Fails = false;
        Assert.True(await fixture.Auth.Tokens.UnpinAsync(token));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Tokens.FindPinned(certificate.Fingerprint));
    }

    [Fact]
    public async Task It_counts_within_its_time_and_for_who_is_in_the_room()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (token, by) = await TokenAsync(fixture);
        var (certificate, pem) = Make(fixture, fromHours: 1);
        Assert.IsType<Refusal.Fields>((await fixture.Auth.Tokens.PinAsync(token, pem, by, _ => false)).Refusal);
        AuthFixture.Must(await fixture.Auth.Tokens.PinAsync(token, pem, by, _ => true));
        Outcome<CertifiedEntry> Find() => fixture.Auth.MqttSignIn.FindByCertificate(null, certificate.Fingerprint, AuthFixture.Home)!.Value;

        Assert.IsType<Refusal.CertificateNotValid>(Find().Refusal);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        Assert.NotNull(Find().Value);
        fixture.Time.Advance(TimeSpan.FromDays(2));
        Assert.IsType<Refusal.CertificateNotValid>(Find().Refusal);
    }

    private static async Task<(LoginSession Token, LoginSession By)> TokenAsync(AuthFixture fixture)
    {
        var account = await fixture.RegisterAsync("ana");
        var by = await fixture.SignInAsync("ana");
        var created = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(
            account, "sensor", null, null, null, mount: new AskedMount("garden", new TopicScope([], ["bed/#"]), _ => true)));
        return (created.Token, by.Session);
    }

    private static (ClientCertificate Certificate, string Pem) Make(AuthFixture fixture, int fromHours = -1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = fixture.Time.GetUtcNow();
        using var made = new CertificateRequest("CN=device", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddHours(fromHours), now.AddDays(2));
        var pem = made.ExportCertificatePem();
        return (AuthFixture.Must(ClientCertificate.Read(pem)), pem);
    }
}
