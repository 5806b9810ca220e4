using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>The greenhouse with a port of TLS, and bob's page, on which he pins certificates to his tokens.</summary>
internal sealed class CertifiedHouse : IAsyncDisposable
{
    private readonly TestCertificate _server;

    private CertifiedHouse(TestCertificate server, Greenhouse house, Calls page) => (_server, House, Page) = (server, house, page);

    public Greenhouse House { get; }

    public Calls Page { get; private set; }

    public static async Task<CertifiedHouse> OpenAsync(params string[] settings)
    {
        TestCertificate server = new();
        var house = await Greenhouse.OpenAsync("members", [.. server.Settings.Select(setting => $"--{setting}"), .. settings]);
        return new CertifiedHouse(server, house, await RoomDevicesTests.PageAsync(house.Broker, house.Bob));
    }

    /// <summary>After a restart bob has another account object, and the page another address.</summary>
    public async Task SignInAgainAsync()
    {
        Page.Dispose();
        Page = await RoomDevicesTests.PageAsync(House.Broker, Bob);
    }

    /// <summary>A token of bob's, mounted on the greenhouse.</summary>
    public async Task<(string Secret, string Id)> MountAsync(string name = "device", TopicScope? topics = null)
    {
        var created = await House.Broker.Get<AccessTokens>().CreateAsync(
            Bob.Account, name, null, null, null, mount: new AskedMount("greenhouse", topics, _ => true));
        Assert.True(created.TryGet(out var token, out var refusal), $"{refusal}");
        return (token.Secret, token.Token.Id);
    }

    public async Task PinAsync(string token, DeviceCertificate certificate)
    {
        var pinned = await Page.Expect(HttpStatusCode.OK, HttpMethod.Put, $"/api/tokens/{token}/certificate", new { certificate = certificate.Pem });
        Assert.Equal(certificate.Fingerprint, RoomDevicesTests.Text(pinned, "fingerprint"));
    }

    public Task UnpinAsync(string token) => Page.Delete($"/api/tokens/{token}/certificate");

    public Task<RawMqttClient> OverTlsAsync(DeviceCertificate? shown, MqttVersion version = MqttVersion.V5) =>
        RawMqttClient.OverTlsAsync(House.Broker.MqttOverTls, _server, version, shown: shown);

    /// <summary>The reason code of CONNACK.</summary>
    public async Task<int> TryAsync(DeviceCertificate? shown, string? user = null, string? password = null)
    {
        await using var client = await OverTlsAsync(shown);
        return (await client.ConnectAsync(user, password)).ReasonCode;
    }

    public async Task AcceptedAsync(DeviceCertificate shown) => Assert.Equal(0, await TryAsync(shown));

    public async ValueTask DisposeAsync()
    {
        Page.Dispose();
        await House.DisposeAsync();
        _server.Dispose();
    }

    private Member Bob => House.Bob with { Account = House.Broker.Get<Auth.Accounts.AccountDirectory>().Find(House.Bob.Account.Id)! };
}
