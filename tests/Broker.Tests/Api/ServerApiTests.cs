using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>What the page needs for lines that work in a shell: the ports cannot be guessed.</summary>
public sealed class ServerApiTests
{
    [Fact]
    public async Task Fault_P20_Whoever_asks_is_told_the_ports_that_MQTT_really_got()
    {
        await using var broker = await RunningBroker.StartAsync();

        var server = await AskAsync(broker);

        AssertWay(server, "mqtt", null, broker.Mqtt.Port, local: true);
        Assert.Equal(JsonValueKind.Null, server.GetProperty("mqtts").ValueKind);
        Assert.Equal("/mqtt", server.GetProperty("websocket").GetString());
    }

    [Fact]
    public async Task Fault_P20_TLS_without_plain_MQTT_is_told_as_such()
    {
        using TestCertificate certificate = new();
        await using var broker = await RunningBroker.StartAsync(
            [.. certificate.Settings.Select(setting => "--" + setting), "--WebMessenger:Mqtt:Port=-1"]);

        var server = await AskAsync(broker);

        Assert.Equal(JsonValueKind.Null, server.GetProperty("mqtt").ValueKind);
        AssertWay(server, "mqtts", null, broker.MqttOverTls.Port, local: true);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("192.168.1.7", false)]
    public void Fault_P20_What_listens_on_loopback_is_local_unless_something_outside_leads_to_it(string address, bool local)
    {
        IPEndPoint listening = new(IPAddress.Parse(address), 1884);

        Assert.Equal(new MqttWay(local ? null : "mqtt.example.org", 1884, local), ServerApi.WayTo(listening, 0, "mqtt.example.org"));
        Assert.Equal(new MqttWay(null, 8884, Local: false), ServerApi.WayTo(listening, 8884, null));
        Assert.Null(ServerApi.WayTo(null, 8884, null));
    }

    [Fact]
    public async Task Fault_P20_What_a_router_maps_is_told_as_the_operator_says()
    {
        using TestCertificate certificate = new();
        await using var broker = await RunningBroker.StartAsync(
        [
            .. certificate.Settings.Select(setting => "--" + setting),
            "--WebMessenger:Mqtt:PublicHost=mqtt.example.org", "--WebMessenger:Mqtt:Tls:PublicPort=443",
        ]);

        var server = await AskAsync(broker);

        AssertWay(server, "mqtts", "mqtt.example.org", 443, local: false);
        // Nobody said that anything outside leads to this one.
        AssertWay(server, "mqtt", null, broker.Mqtt.Port, local: true);
    }

    private static async Task<JsonElement> AskAsync(RunningBroker broker)
    {
        using HttpClient http = new() { BaseAddress = broker.Http };
        using var answer = await http.GetAsync(new Uri("/api/server", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static void AssertWay(JsonElement server, string name, string? host, int port, bool local)
    {
        var way = server.GetProperty(name);
        Assert.Equal(host, way.GetProperty("host").GetString());
        Assert.Equal(port, way.GetProperty("port").GetInt32());
        Assert.Equal(local, way.GetProperty("local").GetBoolean());
    }
}
