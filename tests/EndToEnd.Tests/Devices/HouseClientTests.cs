using System.Globalization;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Devices;

/// <summary>
/// Programs of a house, as npm installs them, through a token with a mount. They are large: `./test.sh --clients` fetches them and says
/// where they are (`WEBMESSENGER_CLIENTS`, the folder that has `node_modules`).
/// </summary>
public sealed class HouseClientTests(SharedServer shared)
{
    private const string NotHere = "Node-RED and Zigbee2MQTT are fetched by ./test.sh --clients.";

    // Zigbee2MQTT connects only after it has found a radio. So its own MQTT client is driven by its own settings, and nothing else of it.
    private const string Zigbee2Mqtt = """
        const settings = require("zigbee2mqtt/dist/util/settings");
        settings.reRead();
        require("zigbee2mqtt/dist/util/logger").default.init();
        const EventBus = require("zigbee2mqtt/dist/eventBus").default;
        const Mqtt = require("zigbee2mqtt/dist/mqtt").default;
        (async () => {
          const bus = new EventBus();
          const mqtt = new Mqtt(bus);
          bus.onMQTTMessage({ constructor: { name: "Lamp" } }, async (asked) => {
            if (asked.topic === "zigbee2mqtt/lamp/set") await mqtt.publish("lamp", asked.message, { clientOptions: { retain: true } });
          });
          await mqtt.connect();
        })().catch((error) => { console.error(error); process.exit(1); });
        """;

    private static string? Folder => Environment.GetEnvironmentVariable("WEBMESSENGER_CLIENTS") is { Length: > 0 } folder ? folder : null;

    [Theory]
    [InlineData("4")]
    [InlineData("5")]
    public async Task Node_RED_hears_a_switch_and_says_its_state(string version)
    {
        Assert.SkipWhen(Folder is null, NotHere);
        await using var house = await House.OpenAsync(shared.Server);
        var own = Directory.CreateTempSubdirectory("webmessenger-nodered-").FullName;
        try
        {
            await WriteAsync("flows.json", JsonSerializer.Serialize(Flows(version)));
            await WriteAsync("flows_cred.json", JsonSerializer.Serialize(new { broker = new { user = house.Ana.UserName, password = house.Token } }));
            await WriteAsync("settings.js", "module.exports = { httpAdminRoot: false, httpNodeRoot: false, uiHost: '127.0.0.1', uiPort: 0, credentialSecret: false, flowFile: 'flows.json', telemetry: { enabled: false } };");
            await using (var nodeRed = ClientProgram.Start(
                "node", Folder!, Path.Combine(Folder!, "node_modules", "node-red", "red.js"), "-u", own, "-s", Path.Combine(own, "settings.js")))
            {
                await house.HearsAsync("nodered/state", "here");
                await house.WorksAsync("pump/set", "pump/state", "ON");
                await nodeRed.KillAsync();
            }

            await house.HearsAsync("nodered/state", "lost");
        }
        finally
        {
            Directory.Delete(own, recursive: true);
        }

        Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(own, name), text);
    }

    [Theory]
    [InlineData("4")]
    [InlineData("5")]
    public async Task Zigbee2MQTT_says_that_it_is_there_and_works_a_lamp(string version)
    {
        Assert.SkipWhen(Folder is null, NotHere);
        await using var house = await House.OpenAsync(shared.Server);
        var own = Directory.CreateTempSubdirectory("webmessenger-zigbee-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(own, "configuration.yaml"), $"""
                mqtt:
                  base_topic: zigbee2mqtt
                  server: mqtt://{shared.Server.Mqtt}
                  user: {house.Ana.UserName}
                  password: {house.Token}
                  version: {version}
                advanced:
                  log_output: [console]

                """, TestContext.Current.CancellationToken);
            await using (var zigbee = ClientProgram.Start(
                "node", Folder!, "-e", $"process.env.ZIGBEE2MQTT_DATA = {JsonSerializer.Serialize(own)};\n{Zigbee2Mqtt}"))
            {
                await house.HearsAsync("zigbee2mqtt/bridge/state", """{"state":"online"}""");
                await house.WorksAsync("zigbee2mqtt/lamp/set", "zigbee2mqtt/lamp", """{"state":"ON"}""");
                await zigbee.KillAsync();
            }

            await house.HearsAsync("zigbee2mqtt/bridge/state", """{"state":"offline"}""");
        }
        finally
        {
            Directory.Delete(own, recursive: true);
        }
    }

    private object[] Flows(string version) =>
    [
        new { id = "flow", type = "tab", label = "pump" },
        new Dictionary<string, object>
        {
            ["id"] = "broker", ["type"] = "mqtt-broker", ["broker"] = "127.0.0.1", ["port"] = shared.Server.Mqtt.Port.ToString(CultureInfo.InvariantCulture),
            ["clientid"] = "", ["autoConnect"] = true, ["usetls"] = false, ["protocolVersion"] = version, ["keepalive"] = "60", ["cleansession"] = true,
            ["birthTopic"] = "nodered/state", ["birthQos"] = "1", ["birthRetain"] = "true", ["birthPayload"] = "here",
            ["willTopic"] = "nodered/state", ["willQos"] = "1", ["willRetain"] = "true", ["willPayload"] = "lost",
        },
        new { id = "in", type = "mqtt in", z = "flow", topic = "pump/set", qos = "2", datatype = "buffer", broker = "broker", inputs = 0, wires = new[] { new[] { "set" } } },
        new { id = "set", type = "change", z = "flow", rules = new[] { new { t = "set", p = "topic", pt = "msg", to = "pump/state", tot = "str" } }, wires = new[] { new[] { "out" } } },
        new { id = "out", type = "mqtt out", z = "flow", topic = "", qos = "2", retain = "true", broker = "broker", wires = Array.Empty<string[]>() },
    ];

    /// <summary>A room, a device's token, and who works the devices by the room's own topics.</summary>
    private sealed class House(Person ana, string token, string data, RawMqttClient worker) : IAsyncDisposable
    {
        public Person Ana => ana;

        public string Token => token;

        public static async Task<House> OpenAsync(ServerProcess server)
        {
            var ana = await Person.RegisterAsync(server);
            var room = await ana.NewRoomAsync();
            var worker = await server.TcpAsync();
            Assert.True((await worker.ConnectAsync(ana.UserName, await ana.NewTokenAsync())).Accepted);
            Assert.Equal([2], (await worker.SubscribeAsync($"rooms/{room}/data/#", 2)).ReasonCodes);
            return new House(ana, await ana.NewMountAsync(room), $"rooms/{room}/data/", worker);
        }

        public async Task HearsAsync(string topic, string payload) =>
            await worker.PublishesUntilAsync(publish => publish.Topic == data + topic && publish.Text == payload, 2 * RawMqttClient.Patience);

        /// <summary>Retained, so that it does not matter which comes first, the publish or the subscription of the program.</summary>
        public async Task WorksAsync(string set, string state, string payload)
        {
            Assert.True((await worker.PublishAsync(data + set, payload, 2, retain: true)).Accepted);
            await HearsAsync(state, payload);
            Assert.Equal(payload, await ana.Http.GetStringAsync($"/api/{data[..^1]}?topic={Uri.EscapeDataString(state)}"));
        }

        public async ValueTask DisposeAsync()
        {
            await worker.DisposeAsync();
            ana.Dispose();
        }
    }
}
