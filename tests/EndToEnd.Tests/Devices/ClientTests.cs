using System.Globalization;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Devices;

/// <summary>MQTT clients of others, as installed, through a token with a mount: each does what a device does.</summary>
public sealed class ClientTests(SharedServer shared)
{
    // More than the Receive Maximum that the server announces, as these libraries do not look at it.
    private const int Burst = 300;

    // Arguments: url, user name, token, 4 (MQTT 3.1.1) or 5, length of the burst.
    private const string MqttJs = """
        import mqtt from "mqtt";
        const [url, username, password, version, burst] = process.argv.slice(1);
        const heard = [];
        let retained, whole;
        const all = new Promise((resolve) => { whole = resolve; });
        const client = mqtt.connect(url, {
          username, password, protocolVersion: Number(version), reconnectPeriod: 0,
          will: { topic: "device/state", payload: "lost", qos: 1, retain: true } });
        client.on("error", (error) => { console.error(error); process.exit(1); });
        client.on("message", (topic, payload, packet) => {
          if (packet.retain) retained = [topic, payload.toString("hex"), packet.qos];
          if (topic === "burst") heard.push(Number(payload));
          if (retained && heard.length === Number(burst)) whole();
        });
        await client.publishAsync("shape//ünï code", Buffer.from([0, 255]), { qos: 2, retain: true });
        await client.subscribeAsync({ "shape/#": { qos: 2 }, burst: { qos: 2 } });
        await Promise.all([...Array(Number(burst)).keys()].map((number) => client.publishAsync("burst", String(number), { qos: 2 })));
        await all;
        console.log(JSON.stringify({ retained, heard }));
        """;

    // Arguments: port, user name, token, 4 (MQTT 3.1.1) or 5, length of the burst.
    private const string Paho = """
        import json, sys, threading
        import paho.mqtt.client as mqtt
        port, user, password, version, burst = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
        heard, retained, connected, subscribed, whole = [], [], threading.Event(), threading.Event(), threading.Event()
        client = mqtt.Client(protocol=version)
        client.username_pw_set(user, password)
        client.will_set("device/state", "lost", 1, True)
        def on_message(client, data, message):
            if message.retain:
                retained[:] = [message.topic, message.payload.hex(), message.qos]
            if message.topic == "burst":
                heard.append(int(message.payload))
            if retained and len(heard) == burst:
                whole.set()
        client.on_message = on_message
        client.on_connect, client.on_subscribe = lambda *_: connected.set(), lambda *_: subscribed.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        connected.wait()
        client.publish("shape//ünï code", bytes([0, 255]), 2, True).wait_for_publish()
        client.subscribe([("shape/#", 2), ("burst", 2)])
        subscribed.wait()
        for number in range(burst):
            client.publish("burst", str(number), 2)
        whole.wait()
        print(json.dumps({"retained": retained, "heard": heard}), flush=True)
        threading.Event().wait()
        """;

    [Theory]
    [InlineData("mqtt", "4")]
    [InlineData("mqtt", "5")]
    [InlineData("ws", "5")]
    public async Task Mqtt_js_is_a_device(string scheme, string version)
    {
        await DoesWhatADeviceDoesAsync((ana, token) => ClientProgram.Start(
            "node",
            Path.Combine(ClientProgram.Root, "src", "WebClient"),
            "--input-type=module", "-e", MqttJs, "--",
            scheme == "ws" ? shared.Server.WebSocket.ToString() : $"mqtt://{shared.Server.Mqtt}", ana.UserName, token, version,
            Burst.ToString(CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("4")]
    [InlineData("5")]
    public async Task Paho_for_Python_is_a_device(string version)
    {
        // Debian's own, for which the package is.
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        Assert.SkipUnless(await ClientProgram.RunsAsync(python, "-c", "import paho.mqtt.client"), "Paho for Python (package python3-paho-mqtt) is not installed.");
        await DoesWhatADeviceDoesAsync((ana, token) => ClientProgram.Start(
            python,
            Path.GetTempPath(),
            "-c", Paho, shared.Server.Mqtt.Port.ToString(CultureInfo.InvariantCulture), ana.UserName, token, version, Burst.ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Mosquitto_rr_asks_and_is_answered()
    {
        Assert.SkipUnless(await ClientProgram.RunsAsync("sh", "-c", "command -v mosquitto_rr"), "mosquitto_rr is not installed.");
        using var ana = await Person.RegisterAsync(shared.Server);
        var token = await ana.NewMountAsync(await ana.NewRoomAsync());
        await using var lamp = await shared.Server.TcpAsync();
        Assert.True((await lamp.ConnectAsync(ana.UserName, token)).Accepted);
        Assert.Equal([1], (await lamp.SubscribeAsync("lamp/get")).ReasonCodes);
        await using var asking = ClientProgram.Start(
            "mosquitto_rr", Path.GetTempPath(),
            "-V", "5", "-h", "127.0.0.1", "-p", shared.Server.Mqtt.Port.ToString(CultureInfo.InvariantCulture), "-u", ana.UserName, "-P", token,
            "-q", "1", "-t", "lamp/get", "-e", "lamp/answers", "-m", "colour", "-D", "publish", "correlation-data", "question-1");

        var asked = await lamp.NextPublishAsync();
        Assert.Equal(("colour", "lamp/answers"), (asked.Text, asked.Properties.Text(PropertyId.ResponseTopic)));
        var question = (byte[])asked.Properties.Single(property => property.Id == PropertyId.CorrelationData).Value;
        Assert.Equal("question-1"u8, question);
        Assert.True((await lamp.PublishAsync("lamp/answers", "red", properties: new MqttProperties { { PropertyId.CorrelationData, question } })).Accepted);

        Assert.Equal("red", await asking.LineAsync());
    }

    private async Task DoesWhatADeviceDoesAsync(Func<Person, string, ClientProgram> start)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var person = await shared.Server.TcpAsync();
        Assert.True((await person.ConnectAsync(ana.UserName, await ana.NewTokenAsync())).Accepted);
        Assert.Equal([1], (await person.SubscribeAsync($"rooms/{room}/data/device/#")).ReasonCodes);
        await using var device = start(ana, await ana.NewMountAsync(room));

        var said = JsonDocument.Parse(await device.LineAsync()).RootElement;

        var retained = said.GetProperty("retained");
        Assert.Equal(("shape//ünï code", "00ff", 2), (retained[0].GetString(), retained[1].GetString(), retained[2].GetInt32()));
        Assert.Equal(Enumerable.Range(0, Burst), said.GetProperty("heard").EnumerateArray().Select(number => number.GetInt32()));
        await device.KillAsync();
        var lost = await person.NextPublishAsync();
        Assert.Equal(($"rooms/{room}/data/device/state", "lost"), (lost.Topic, lost.Text));
        Assert.Equal([0, 255], await ana.Http.GetByteArrayAsync($"/api/rooms/{room}/data?topic={Uri.EscapeDataString("shape//ünï code")}"));
    }
}
