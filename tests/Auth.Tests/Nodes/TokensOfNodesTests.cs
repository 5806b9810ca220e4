using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;

namespace WebMessenger.Auth.Tests.Nodes;

/// <summary>Access tokens, their secrets, certificates, rooms and number are those of all nodes.</summary>
public sealed class TokensOfNodesTests
{
    [Fact]
    public async Task A_token_opens_on_all_nodes_and_is_revoked_on_all()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var made = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(
            ana, "sensor", null, null, null, mount: new AskedMount("garden", new TopicScope(["a/#"], ["b"]), _ => true)));
        await house.CarryAsync();
        var known = there.Auth.Tokens.FindBearer(made.Secret)!;
        var client = TestClient.AttachedTo(known);
        Assert.Equal(("garden", new TopicScope(["a/#"], ["b"])), (known.Scope.Mount, known.Scope.Topics));
        Assert.Equal([known], there.Auth.Tokens.MountedOn("garden"));

        Assert.True(await here.Auth.Tokens.RevokeAsync(ana, made.Token.Id));

        Assert.Equal(RevocationReason.TokenRevoked, await client.Revoked);
        Assert.Null(there.Auth.Tokens.FindBearer(made.Secret));
        Assert.Empty(there.Auth.Tokens.MountedOn("garden"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_secret_closes_on_all_nodes_what_the_one_before_has_opened(bool isReached)
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var by = await here.SignInAsync("ana");
        var made = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(ana, "sensor", null, null, null));
        await house.CarryAsync();
        here.Auth.Sessions.AskEverywhere(isReached ? house.Everywhere : here.Auth.Sessions.Here);
        var former = there.Auth.Tokens.FindBearer(made.Secret)!;
        var client = TestClient.AttachedTo(former);

        // A use of the one before that is stored after all this must not bring back its secret.
        house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromHours(2));
        there.Auth.Sessions.Touch(former, AuthFixture.Home);
        there.Pause();
        var use = there.Auth.Sessions.StoreLastSeenAsync();
        await there.Waits;
        var renewed = AuthFixture.Must(await here.Auth.Tokens.RenewAsync(made.Token, by.Session, _ => true));
        there.GoOn();
        await use;

        Assert.Equal(RevocationReason.TokenRenewed, await client.Revoked);
        Assert.Null(there.Auth.Tokens.FindBearer(made.Secret));
        Assert.NotNull(there.Auth.Tokens.FindBearer(renewed.Secret));
        var late = await house.StartAsync();
        Assert.Null(late.Auth.Tokens.FindBearer(made.Secret));
        Assert.NotNull(late.Auth.Tokens.FindBearer(renewed.Secret));
    }

    [Fact]
    public async Task A_token_that_is_revoked_while_another_node_renews_it_is_gone()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var by = await here.SignInAsync("ana");
        for (var round = 0; round < 50; round++)
        {
            var made = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(ana, "sensor", null, null, null));
            await house.CarryAsync();

            var renewing = Task.Run(() => here.Auth.Tokens.RenewAsync(made.Token, by.Session, _ => true));
            var revoking = Task.Run(() => there.Auth.Tokens.RevokeAsync(there.Of(ana), made.Token.Id));
            await Task.WhenAll(renewing, revoking);
            await house.CarryAsync();

            Assert.True(await revoking);
            Assert.All(house.Nodes, node => Assert.Null(node.Auth.Tokens.Find(node.Of(ana), made.Token.Id)));
            Assert.Equal(1, house.Stored);
        }
    }

    [Fact]
    public async Task The_limit_of_tokens_is_that_of_all_nodes()
    {
        await using var house = await HouseOfNodes.OpenAsync(options: new() { TokensPerAccount = 5, SignInsPerMinutePerAddress = 0 });
        var ana = await house.Nodes[0].RegisterAsync("ana");
        await house.CarryAsync();

        var made = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() =>
            house.Nodes[i % 2].Auth.Tokens.CreateAsync(house.Nodes[i % 2].Of(ana), $"bot {i}", null, null, null))));

        await house.CarryAsync();
        Assert.InRange(house.Stored, 1, 5);
        Assert.Equal(house.Stored, made.Count(one => AuthFixture.Code(one) == "ok"));
        Assert.All(house.Nodes, node => Assert.Equal(house.Stored, node.Auth.Tokens.List(node.Of(ana)).Count));
    }

    [Fact]
    public async Task A_certificate_opens_one_token_of_all_nodes_until_one_takes_it_away()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var by = await here.SignInAsync("ana");
        var one = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(ana, "one", null, null, null));
        var two = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(ana, "two", null, null, null));
        await house.CarryAsync();
        for (var round = 0; round < 10; round++)
        {
            var (certificate, pem) = Make(house);
            var (oneThere, byThere) = (there.Auth.Tokens.FindBearer(one.Secret)!, there.Auth.Sessions.FindByCookie(by.Secret)!);
            var pinned = await Task.WhenAll(
                Task.Run(() => here.Auth.Tokens.PinAsync(two.Token, pem, by.Session, _ => true)), Task.Run(() => there.Auth.Tokens.PinAsync(oneThere, pem, byThere, _ => true)));
            Assert.Equal(["certificate:taken", "ok"], pinned.Select(AuthFixture.Code).Order(StringComparer.Ordinal));
            var found = house.Nodes.Select(node => node.Auth.Tokens.FindPinned(certificate.Fingerprint)!).ToList();
            Assert.Equal(found[0].Id, found[1].Id);

            var client = Attached(found[1], certificate);
            house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromHours(2));
            there.Auth.Sessions.Touch(found[1], AuthFixture.Home);
            var use = Task.Run(() => there.Auth.Sessions.StoreLastSeenAsync(), TestContext.Current.CancellationToken);
            Assert.True(await here.Auth.Tokens.UnpinAsync(found[0]));
            await use;

            Assert.Equal(RevocationReason.CertificateTaken, await client.Revoked);
            await house.CarryAsync();
            Assert.All(house.Nodes, node => Assert.Null(node.Auth.Tokens.FindPinned(certificate.Fingerprint)));
        }

        var late = await house.StartAsync();
        Assert.All(late.Auth.Tokens.List(late.Of(ana)), token => Assert.Null(token.Certificate));
    }

    [Fact]
    public async Task A_room_that_has_ended_is_named_by_no_token_on_any_node()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        await house.CarryAsync();
        for (var round = 0; round < 20; round++)
        {
            var room = $"room-{round}";
            var made = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(ana, "bot", [room, "lobby"], null, null));
            var mounted = AuthFixture.Must(await there.Auth.Tokens.CreateAsync(there.Of(ana), "sensor", null, null, null, mount: new AskedMount(room, null, _ => true)));
            await house.CarryAsync();
            house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromHours(2));
            there.Auth.Sessions.Touch(there.Auth.Tokens.FindBearer(made.Secret)!, AuthFixture.Home);

            await Task.WhenAll(
                Task.Run(() => there.Auth.Sessions.StoreLastSeenAsync(), TestContext.Current.CancellationToken),
                Task.Run(() => here.Auth.Tokens.ForgetRoomAsync(room), TestContext.Current.CancellationToken));

            await house.CarryAsync();
            Assert.All(house.Nodes, node => Assert.Equal(["lobby"], node.Auth.Tokens.FindBearer(made.Secret)!.Scope.Rooms));
            Assert.All(house.Nodes, node => Assert.Null(node.Auth.Tokens.FindBearer(mounted.Secret)));
            await here.Auth.Tokens.RevokeAsync(ana, made.Token.Id);
        }
    }

    private static TestClient Attached(LoginSession session, ClientCertificate certificate)
    {
        TestClient client = new("device") { Certificate = certificate };
        Assert.True(session.TryAttach(client));
        client.Close();
        return client;
    }

    private static (ClientCertificate Certificate, string Pem) Make(HouseOfNodes house)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = house.Time.GetUtcNow();
        using var made = new CertificateRequest("CN=device", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddHours(-1), now.AddDays(9));
        var pem = made.ExportCertificatePem();
        return (AuthFixture.Must(ClientCertificate.Read(pem)), pem);
    }
}
