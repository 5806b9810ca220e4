using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>Devices that are let in by the key of a certificate that is pinned to their token, over TLS.</summary>
public sealed class ClientCertificateTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_device_is_let_in_by_its_key_with_the_rights_of_its_token_and_no_other(int level)
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using var certificate = DeviceCertificate.Make();
        var (_, id) = await door.MountAsync("bed", new TopicScope(["#"], ["bed/#"]));
        await door.PinAsync(id, certificate);
        await using var listener = await door.House.ListenAsync(door.House.Ana);

        for (var start = 0; start < 2; start++)
        {
            foreach (var (user, password) in new[] { (null, null), ("bob", null), ("BOB", ""), ("", "") })
            {
                await using var device = await door.OverTlsAsync(certificate, (MqttVersion)level);
                Assert.True((await device.ConnectAsync(user, password, "bed")).Accepted, $"{user}/{password}");
                await device.PublishAsync("bed/temp", $"{user}{start}");
                if (level == 5)
                {
                    Assert.Equal(0x87, (await device.PublishAsync("elsewhere", "no")).ReasonCode);
                    Assert.Equal("bed/temp", (await Read(device)).Topic);
                }
            }

            if (start == 0)
            {
                Assert.Equal("bob0", (await listener.PublishesUntilAsync(publish => publish.Text == "bob0"))[^1].Text);
                await door.House.Broker.RestartAsync();
            }
        }

        static async Task<ReceivedPublish> Read(RawMqttClient device)
        {
            await device.SubscribeAsync("#");
            await device.PublishAsync("bed/temp", "heard");
            return (await device.PublishesUntilAsync(publish => publish.Text == "heard"))[^1];
        }
    }

    [Fact]
    public async Task Attack_24_A_certificate_that_no_token_has_opens_nothing_and_neither_does_knowing_one()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using DeviceCertificate pinned = DeviceCertificate.Make(), other = DeviceCertificate.Make();
        var (_, id) = await door.MountAsync();
        await door.PinAsync(id, pinned);
        await door.AcceptedAsync(pinned);

        Assert.Equal(0x87, await door.TryAsync(other));
        Assert.Equal(0x87, await door.TryAsync(null));
        Assert.Equal(0x87, await door.TryAsync(other, "bob"));
        Assert.Equal(0x86, await door.TryAsync(null, "bob"));

        // Somebody else's, who says who he is.
        Assert.Equal(0x86, await door.TryAsync(pinned, "ana"));
        Assert.Equal(0x86, await door.TryAsync(pinned, "nobody"));
        foreach (var known in new[] { pinned.Fingerprint, pinned.Fingerprint.ToUpperInvariant(), pinned.Pem, "wm_" + pinned.Fingerprint[..43] })
        {
            Assert.Equal(0x86, await door.TryAsync(null, "bob", known));
            await using var plain = await RawMqttClient.OverTcpAsync(door.House.Broker.Mqtt);
            Assert.Equal(0x86, (await plain.ConnectAsync("bob", known)).ReasonCode);
            using HttpClient http = new();
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(door.House.Broker.Http, "/api/rooms/greenhouse/data"));
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + known.ReplaceLineEndings(""));
            request.Headers.TryAddWithoutValidation("X-Client-Cert", known.ReplaceLineEndings(""));
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
        }

        foreach (var (user, words) in new[] { (null, "is looked at over TLS alone"), ("bob", "no client certificate was shown") })
        {
            await using var bare = await RawMqttClient.OverTcpAsync(door.House.Broker.Mqtt);
            var refused = await bare.ConnectAsync(user);
            Assert.Equal(user is null ? 0x87 : 0x86, refused.ReasonCode);
            Assert.Contains(words, refused.Properties.Text(PropertyId.ReasonString), StringComparison.Ordinal);
        }

        await using var shown = await door.OverTlsAsync(other);
        Assert.Equal("No token has this certificate.", (await shown.ConnectAsync("bob")).Properties.Text(PropertyId.ReasonString));
        await using var socket = await RawMqttClient.OverWebSocketAsync(door.House.Broker.WebSocket, new WebSocketDoor(null, null));
        Assert.Equal(0x87, (await socket.ConnectAsync()).ReasonCode);
    }

    [Fact]
    public async Task A_password_that_is_given_is_judged_alone()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using var certificate = DeviceCertificate.Make();
        var (_, id) = await door.MountAsync();
        await door.PinAsync(id, certificate);
        await door.AcceptedAsync(certificate);

        Assert.Equal(0x86, await door.TryAsync(certificate, "bob", "wm_no"));
        Assert.Equal(0x86, await door.TryAsync(certificate, "bob", "not his password"));

        // By the talk's token it is no device of the mount.
        await using var person = await door.OverTlsAsync(certificate);
        Assert.True((await person.ConnectAsync("bob", door.House.Bob.Token)).Accepted);
        Assert.Equal([1], (await person.SubscribeAsync("rooms/greenhouse")).ReasonCodes);

        await door.UnpinAsync(id);
        await person.PingAsync();
    }

    [Fact]
    public async Task Attack_22_A_certificate_that_is_taken_away_ends_who_came_by_it_at_once_and_nobody_else()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using DeviceCertificate certificate = DeviceCertificate.Make(), second = DeviceCertificate.Make();
        var (secret, id) = await door.MountAsync();
        await door.PinAsync(id, certificate);
        await using var listener = await door.House.ListenAsync(door.House.Ana);
        await using var thief = await door.OverTlsAsync(certificate);
        Assert.True((await thief.ConnectAsync(clientId: "thief", will: new Will("will", "of a thief"))).Accepted);
        await using var device = await door.House.ConnectAsync(door.House.Bob, clientId: "device", password: secret);

        await door.UnpinAsync(id);

        Assert.Equal((byte)0x98, (await thief.WaitForCloseAsync()).Disconnect);
        Assert.Equal(0x87, await door.TryAsync(certificate));
        await device.PublishAsync("x", "marker");
        Assert.DoesNotContain(await listener.PublishesUntilAsync(publish => publish.Text == "marker"), publish => publish.Text == "of a thief");

        // Another one in its place; a second look at the same one changes nothing.
        await door.PinAsync(id, certificate);
        await using var again = await door.OverTlsAsync(certificate);
        Assert.True((await again.ConnectAsync(clientId: "again")).Accepted);
        await door.PinAsync(id, certificate);
        await again.PingAsync();
        await door.PinAsync(id, second);
        Assert.Equal((byte)0x98, (await again.WaitForCloseAsync()).Disconnect);
        Assert.Equal(0x87, await door.TryAsync(certificate));
        await door.AcceptedAsync(second);
        await device.PingAsync();
    }

    [Fact]
    public async Task Attack_22_A_will_that_waits_goes_with_the_certificate_by_which_its_client_came()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using DeviceCertificate certificate = DeviceCertificate.Make(), second = DeviceCertificate.Make();
        var (secret, id) = await door.MountAsync();
        await door.PinAsync(id, certificate);
        await LoseAsync(certificate, "of a device");
        Assert.Contains("of a device", await SaidAsync());

        // Also where the same one counts again by the time that the will is due.
        await LoseAsync(certificate, "of a thief");
        await door.UnpinAsync(id);
        await door.PinAsync(id, certificate);
        Assert.DoesNotContain("of a thief", await SaidAsync());

        await LoseAsync(certificate, "of a replaced one");
        await door.PinAsync(id, second);
        await door.House.Broker.RestartAsync();
        Assert.DoesNotContain("of a replaced one", await SaidAsync());

        // Its time had come a moment before.
        var token = door.House.Broker.Get<AccessTokens>().Find(door.House.Broker.Get<AccountDirectory>().Find(door.House.Bob.Account.Id)!, id)!;
        LastWill Due(DeviceCertificate by) => new("will", Encoding.UTF8.GetBytes(by == second ? "of the second" : "of the first"), 300, null, Certificate: by.Fingerprint);
        await using var listener = await door.House.ListenAsync(door.House.Ana);
        door.House.Broker.Get<LastWills>().Say(token, "thief", 0, Due(certificate), null);
        door.House.Broker.Get<LastWills>().Say(token, "thief", 0, Due(second), null);
        Assert.Equal(["of the second"], (await listener.PublishesUntilAsync(publish => publish.Text == "of the second")).Select(publish => publish.Text));

        async Task LoseAsync(DeviceCertificate by, string will)
        {
            await using var lost = await door.OverTlsAsync(by);
            Assert.True((await lost.ConnectAsync(
                clientId: "thief", will: new Will("will", will, Properties: new MqttProperties { { PropertyId.WillDelay, 300u } }),
                properties: new MqttProperties { { PropertyId.SessionExpiry, 300u } })).Accepted);
            lost.Abort();
            await Talk.GoneAsync(door.House.Broker, door.House.Bob);
        }

        // A clean start ends what is kept of the client, and its will is due.
        async Task<IEnumerable<string>> SaidAsync()
        {
            await using var listener = await door.House.ListenAsync(door.House.Ana);
            await using (var owner = await door.House.ConnectAsync(door.House.Bob, clientId: "thief", password: secret))
            {
                await owner.PublishAsync("x", "marker");
            }

            await Talk.GoneAsync(door.House.Broker, door.House.Bob);
            return (await listener.PublishesUntilAsync(publish => publish.Text == "marker")).Select(publish => publish.Text);
        }
    }

    [Fact]
    public async Task Attack_26_A_renewed_token_has_no_certificate_and_with_a_revoked_one_its_connections_end()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        await Acts.GiveAsync(door.House.Broker, "greenhouse", door.House.Ana, door.House.Bob, MemberRole.Moderator);
        using var certificate = DeviceCertificate.Make();
        var (_, id) = await door.MountAsync();
        await door.PinAsync(id, certificate);
        await using var device = await door.OverTlsAsync(certificate);
        Assert.True((await device.ConnectAsync(clientId: "device")).Accepted);

        await door.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"/api/rooms/greenhouse/devices/{id}/renew");

        await device.WaitForCloseAsync();
        Assert.Equal(0x87, await door.TryAsync(certificate));
        await door.PinAsync(id, certificate);
        await using var again = await door.OverTlsAsync(certificate);
        Assert.True((await again.ConnectAsync(clientId: "device")).Accepted);

        await door.Page.Delete("/api/tokens/" + id);

        Assert.Equal((byte)0x98, (await again.WaitForCloseAsync()).Disconnect);
        for (var start = 0; start < 2; start++)
        {
            Assert.Equal(0x87, await door.TryAsync(certificate));
            await door.House.Broker.RestartAsync();
        }

        // It is free for another token.
        await door.SignInAgainAsync();
        await door.PinAsync((await door.MountAsync("another")).Id, certificate);
        await door.AcceptedAsync(certificate);
    }

    [Fact]
    public async Task A_certificate_counts_from_its_first_second_to_its_last_also_while_connected()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using DeviceCertificate early = DeviceCertificate.Make(from: DateTimeOffset.UtcNow.AddHours(1)), today = DeviceCertificate.Make(to: DateTimeOffset.UtcNow.AddHours(1));
        await door.PinAsync((await door.MountAsync("early")).Id, early);
        Assert.Equal(0x87, await door.TryAsync(early));
        Assert.Equal(0x86, await door.TryAsync(early, "ana"));

        await door.PinAsync((await door.MountAsync("today")).Id, today);
        await using var listener = await door.House.ListenAsync(door.House.Ana);
        await using var device = await door.OverTlsAsync(today);
        Assert.True((await device.ConnectAsync(will: new Will("availability", "offline"))).Accepted);
        JumpingClock clock = new(TimeProvider.System);
        using var sweep = ActivatorUtilities.CreateInstance<KeepAliveSweep>(door.House.Broker.Program.Services, clock);
        sweep.Sweep(TimeSpan.FromMinutes(1));
        await device.PingAsync();

        clock.Off = TimeSpan.FromHours(2);
        sweep.Sweep(TimeSpan.FromMinutes(1));

        // Closed by the server, which says so, and the device's will says that it is away.
        Assert.Equal((byte)0x87, (await device.WaitForCloseAsync()).Disconnect);
        await listener.PublishesUntilAsync(publish => publish.Text == "offline");
    }

    [Fact]
    public async Task A_kept_client_is_found_again_by_its_key()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using var certificate = DeviceCertificate.Make();
        var (secret, id) = await door.MountAsync();
        await door.PinAsync(id, certificate);
        await using (var first = await door.OverTlsAsync(certificate, MqttVersion.V311))
        {
            Assert.True((await first.ConnectAsync(clientId: "pump", cleanStart: false)).Accepted);
            await first.SubscribeAsync("pump/set");
            await first.DisconnectAsync();
            await first.WaitForCloseAsync();
        }

        await using var other = await door.House.ConnectAsync(door.House.Bob, clientId: "other", password: secret);
        await other.PublishAsync("pump/set", "ON");
        await using var back = await door.OverTlsAsync(certificate, MqttVersion.V311);
        Assert.True((await back.ConnectAsync(clientId: "pump", cleanStart: false)).SessionPresent);
        Assert.Equal("ON", (await back.PublishesUntilAsync(publish => publish.Topic == "pump/set"))[^1].Text);
    }

    [Fact]
    public async Task Nobody_is_asked_for_a_certificate_where_that_is_switched_off()
    {
        await using var door = await CertifiedHouse.OpenAsync("--WebMessenger:Mqtt:Tls:ClientCertificates", "false");
        using var certificate = DeviceCertificate.Make();
        var (secret, id) = await door.MountAsync();
        Assert.Contains("switched_off", (await door.Page.Expect(HttpStatusCode.Forbidden, HttpMethod.Put, $"/api/tokens/{id}/certificate", new { certificate = certificate.Pem })).ToString(), StringComparison.Ordinal);
        var token = door.House.Broker.Get<AccessTokens>().Find(door.House.Bob.Account, id)!;
        var by = await door.House.Broker.SignInAsync(door.House.Bob.Account);
        Assert.NotNull((await door.House.Broker.Get<AccessTokens>().PinAsync(token, certificate.Pem, by.Session, _ => true)).Value);

        Assert.Equal(0x87, await door.TryAsync(certificate));
        Assert.Equal(0, await door.TryAsync(certificate, "bob", secret));
        Assert.False((await door.Page.Get("/api/server")).GetProperty("certificates").GetBoolean());
    }

    [Fact]
    public async Task What_stands_in_a_certificate_gives_no_right_and_nothing_is_fetched_for_it()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using TcpListener elsewhere = new(IPAddress.Loopback, 0);
        elsewhere.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)elsewhere.LocalEndpoint).Port}/issuer.cer";
        using var fetching = DeviceCertificate.Signed(0, 0, new X509AuthorityInformationAccessExtension([url], [url]));
        using var named = DeviceCertificate.Make("CN=ana, O=\"administrator\0\u202e\", OU=greenhouse", null, null, new X509Extension("1.2.3.4", [], critical: true), new X509Extension("2.5.29.37", [0x30, 0], critical: true));
        foreach (var certificate in new[] { fetching, named })
        {
            Assert.Equal(0x87, await door.TryAsync(certificate));
            var (_, id) = await door.MountAsync(topics: new TopicScope([], ["bed/#"]));
            await door.PinAsync(id, certificate);
            await using var device = await door.OverTlsAsync(certificate);
            Assert.True((await device.ConnectAsync()).Accepted);
            Assert.Equal(0x87, (await device.PublishAsync("elsewhere", "no")).ReasonCode);
        }

        Assert.False(elsewhere.Pending());
    }

    [Fact]
    public async Task Attack_7_A_handshake_with_more_certificates_than_are_meant_is_cut()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using DeviceCertificate chained = DeviceCertificate.Signed(4, 2000), tooLong = DeviceCertificate.Signed(10, 8000);
        var (_, id) = await door.MountAsync();
        await door.PinAsync(id, chained);
        await door.AcceptedAsync(chained);

        var cut = await Record.ExceptionAsync(() => door.TryAsync(tooLong));

        Assert.True(cut is IOException or WireException or SocketException, $"{cut}");
        await door.AcceptedAsync(chained);
        await using var large = await door.OverTlsAsync(chained);
        await large.ConnectAsync();
        Assert.True((await large.PublishAsync("x", Encoding.UTF8.GetBytes(new string('x', 60_000)))).Accepted);
    }
}
