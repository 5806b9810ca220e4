using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>`/api/tokens/{id}/certificate`.</summary>
public sealed class CertificateApiTests
{
    [Fact]
    public async Task A_certificate_is_listed_with_its_token_and_its_device()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        await Acts.GiveAsync(door.House.Broker, "greenhouse", door.House.Ana, door.House.Bob, Broker.Events.MemberRole.Moderator);
        using DeviceCertificate certificate = DeviceCertificate.Make(to: new DateTimeOffset(2099, 12, 31, 23, 59, 59, TimeSpan.Zero)), second = DeviceCertificate.Make();
        var (_, id) = await door.MountAsync();
        Assert.All(await ShownAsync(), shown => Assert.Equal(JsonValueKind.Null, shown.ValueKind));

        await door.PinAsync(id, second);
        await door.PinAsync(id, certificate);

        foreach (var shown in await ShownAsync())
        {
            Assert.Equal(certificate.Fingerprint, RoomDevicesTests.Text(shown, "fingerprint"));
            Assert.StartsWith("2099-12-31T23:59:59", RoomDevicesTests.Text(shown, "notAfter"), StringComparison.Ordinal);
        }

        await door.UnpinAsync(id);
        await door.UnpinAsync(id);
        Assert.All(await ShownAsync(), shown => Assert.Equal(JsonValueKind.Null, shown.ValueKind));
        Assert.True((await door.Page.Get("/api/server")).GetProperty("certificates").GetBoolean());

        async Task<JsonElement[]> ShownAsync() =>
        [
            (await door.Page.Get("/api/tokens")).GetProperty("tokens").EnumerateArray().Single(token => RoomDevicesTests.Text(token, "id") == id).GetProperty("certificate"),
            Assert.Single((await door.Page.Get("/api/rooms/greenhouse/devices")).GetProperty("devices").EnumerateArray()).GetProperty("certificate"),
        ];
    }

    [Fact]
    public async Task What_is_no_certificate_of_a_device_is_refused_with_what_to_do()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using DeviceCertificate certificate = DeviceCertificate.Make(), over = DeviceCertificate.Make(from: DateTimeOffset.UtcNow.AddDays(-3), to: DateTimeOffset.UtcNow.AddDays(-1));
        var (_, id) = await door.MountAsync();
        var key = certificate.KeyPem;
        using var encrypted = ECDsa.Create();
        var locked = encrypted.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));

        await RefusedAsync(null, "required");
        await RefusedAsync("  \n", "required");
        await RefusedAsync(key, "private_key");
        await RefusedAsync($"{certificate.Pem}\n{key}", "private_key");
        await RefusedAsync($"{new string(' ', 40_000)}{locked}", "private_key");
        await RefusedAsync(certificate.Pem + new string('\n', ClientCertificate.MaxCharacters), "too_long");
        await RefusedAsync("certificate", "invalid");
        await RefusedAsync(certificate.Fingerprint, "invalid");
        await RefusedAsync($"{certificate.Pem}\n{over.Pem}", "invalid");
        await RefusedAsync("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "invalid");
        await RefusedAsync("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "invalid");
        await RefusedAsync(certificate.Pem.Replace("CERTIFICATE", "TRUSTED CERTIFICATE", StringComparison.Ordinal), "invalid");
        await RefusedAsync(over.Pem, "past");

        // Between words of openssl, as it prints it.
        var text = $"Certificate:\n    Data:\n{certificate.Pem}\n";
        await door.Page.Expect(HttpStatusCode.OK, HttpMethod.Put, Path(id), new { certificate = text });
        await RefusedAsync(certificate.Pem, "taken", (await door.MountAsync("another")).Id);
        await door.AcceptedAsync(certificate);

        async Task RefusedAsync(string? pem, string code, string? token = null)
        {
            var answer = await door.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Put, Path(token ?? id), new { certificate = pem });
            Assert.Equal(code, answer.GetProperty("errors").GetProperty("certificate")[0].GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task Attack_36_80_Only_who_made_a_token_pins_a_certificate_to_it_and_only_on_his_page()
    {
        await using var door = await CertifiedHouse.OpenAsync();
        using var certificate = DeviceCertificate.Make();
        var (secret, id) = await door.MountAsync();
        var body = new { certificate = certificate.Pem };
        using var anas = await RoomDevicesTests.PageAsync(door.House.Broker, door.House.Ana);
        using var token = Calls.As(door.House.Broker, door.House.Bob with { Token = await door.House.Broker.TokenAsync(door.House.Bob.Account, verbs: Verbs.Everything) });
        using var device = Calls.As(door.House.Broker, door.House.Bob with { Token = secret });

        foreach (var (calls, status) in new[] { (anas, HttpStatusCode.NotFound), (token, HttpStatusCode.Unauthorized), (device, HttpStatusCode.Unauthorized) })
        {
            await calls.Expect(status, HttpMethod.Put, Path(id), body);
        }

        Assert.Equal(0x87, await door.TryAsync(certificate));
        await door.PinAsync(id, certificate);
        await door.AcceptedAsync(certificate);
        foreach (var (calls, status) in new[] { (anas, HttpStatusCode.NotFound), (token, HttpStatusCode.Unauthorized), (device, HttpStatusCode.Unauthorized) })
        {
            await calls.Expect(status, HttpMethod.Delete, Path(id));
        }

        await door.AcceptedAsync(certificate);

        // A login session is no token, and neither is one that is gone.
        var sessions = (await door.Page.Get("/api/sessions")).GetProperty("sessions").EnumerateArray();
        var browser = sessions.Single(session => session.GetProperty("current").GetBoolean());
        await door.Page.Expect(HttpStatusCode.NotFound, HttpMethod.Put, Path(RoomDevicesTests.Text(browser, "id")!), body);

        // Who has left the room has no devices in it.
        var (_, left) = await door.MountAsync("left");
        await door.House.Broker.Get<RoomMembers>().LeaveAsync(door.House.Room, door.House.Bob.Account);
        using var second = DeviceCertificate.Make();
        await door.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Put, Path(left), new { certificate = second.Pem });
        await door.UnpinAsync(id);
        await door.Page.Delete("/api/tokens/" + id);
        await door.Page.Expect(HttpStatusCode.NotFound, HttpMethod.Put, Path(id), body);
        await door.Page.Delete(Path(id), HttpStatusCode.NotFound);
    }

    private static string Path(string token) => $"/api/tokens/{token}/certificate";
}
