using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Nodes;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>
/// Clients that come to a node which has not the data topics hear and say them all the same (ADR 0088). What else holds of data topics is
/// tested this way too, with WEBMESSENGER_RELAYED=1.
/// </summary>
public sealed class DataRelayTests : IAsyncLifetime
{
    private const string Data = Greenhouse.Data;
    private const ushort FirstOfHome = 0x8001;

    private readonly FrontAndHome _nodes = new();
    private Greenhouse _house = null!;

    public async ValueTask InitializeAsync() =>
        _house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(services => FrontAndHome.Into(services, _nodes)));

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task What_is_said_at_each_QoS_is_heard_at_it_and_in_order(int level)
    {
        var version = (MqttVersion)level;
        await using var bob = await _house.ListenAsync(_house.Bob, version: version);
        await using var ana = await _house.ConnectAsync(_house.Ana, version);

        for (byte i = 0; i < 60; i++)
        {
            if (i % 3 == 0)
            {
                await ana.SendPublishAsync(Data + "x", Encoding.UTF8.GetBytes(Number(i)));
            }
            else
            {
                Assert.True((await ana.PublishAsync(Data + "x", Number(i), (byte)(i % 3))).Accepted);
            }
        }

        var heard = await bob.PublishesUntilAsync(publish => publish.Text == Number(59));
        Assert.Equal(Enumerable.Range(0, 60).Select(Number), heard.Select(publish => publish.Text));
        Assert.Equal(Enumerable.Range(0, 60).Select(i => (byte)(i % 3)), heard.Select(publish => publish.Qos));
        Assert.All(heard.Where(publish => publish.Qos > 0), publish => Assert.InRange(publish.PacketId, FirstOfHome, ushort.MaxValue));
    }

    [Fact]
    public async Task Hundreds_of_retained_values_come_behind_the_SUBACK_with_their_properties()
    {
        await using var ana = await _house.ConnectAsync(_house.Ana);
        for (var i = 0; i < 300; i++)
        {
            await ana.PublishAsync(Data + "at/" + Number(i), Number(i), retain: true, properties: new() { { PropertyId.ContentType, "text/plain" } });
        }

        await using var bob = await _house.ConnectAsync(_house.Bob);
        Assert.Equal([1], (await bob.SubscribeAsync(Data + "at/#", 1, new() { { PropertyId.SubscriptionIdentifier, 7 } })).ReasonCodes);

        HashSet<string> topics = [];
        while (topics.Count < 300)
        {
            var value = await bob.NextPublishAsync();
            Assert.True(value.Retain);
            Assert.True(topics.Add(value.Topic));
        }
    }

    [Fact]
    public async Task Who_asks_for_no_data_topic_costs_no_pipe_kept_or_not()
    {
        await using var bob = await _house.ConnectAsync(_house.Bob);
        await bob.SubscribeAsync("rooms/greenhouse");
        await bob.PublishAsync("rooms/greenhouse", "hello");
        await KeptClients.LeaveBehindAsync(_house.Broker, _house.Ana, MqttVersion.V5, "rooms/greenhouse");
        await bob.PublishAsync("rooms/greenhouse", "hello Ana");
        var (ana, answer) = await KeptClients.ConnectAsync(_house.Broker, _house.Ana);
        await using var _ = ana;
        Assert.True(answer.SessionPresent);
        Assert.Contains("hello Ana", (await ana.NextPublishAsync()).Text, StringComparison.Ordinal);

        Assert.Equal(0, _house.Broker.Get<NodePipes>().Count);
        Assert.Empty(_nodes.Lengths);
    }

    [Fact]
    public async Task One_SUBACK_answers_for_talk_and_data_and_says_what_is_refused()
    {
        await using var bob = await _house.ConnectAsync(_house.Bob);

        var answer = await bob.SubscribeAsync([new(Data + "a", 2), new("rooms/greenhouse", 1), new("rooms/none/data/#", 1), new(Data + "b", 0)]);

        Assert.Equal([2, 1, 0x87, 0], answer.ReasonCodes);
        Assert.Equal([0, 0, 0x11], (await bob.UnsubscribeAsync(Data + "a", "rooms/greenhouse", Data + "never")).ReasonCodes);
        await _house.PublishAsync("not there");
        await using var ana = await _house.ConnectAsync(_house.Ana);
        await ana.PublishAsync(Data + "a", "given up");
        await ana.PublishAsync(Data + "b", "heard");
        var heard = await bob.PublishesUntilAsync(publish => publish.Text == "heard");
        Assert.DoesNotContain(heard, publish => publish.Topic == Data + "a");
    }

    [Fact]
    public async Task Talk_and_data_share_the_clients_Receive_Maximum_by_turns()
    {
        await using var bob = await RawMqttClient.OverTcpAsync(_house.Broker.Mqtt);
        bob.AcknowledgesItself = false;
        await bob.ConnectAsync("bob", _house.Bob.Token, properties: new() { { PropertyId.ReceiveMaximum, 1 } });
        await bob.SubscribeAsync([new("rooms/greenhouse", 1), new(Data + "#", 1)]);
        await using var ana = await _house.ConnectAsync(_house.Ana);
        for (var i = 0; i < 3; i++)
        {
            await ana.PublishAsync(Data + "x", "data");
            await ana.PublishAsync("rooms/greenhouse", "talk");
        }

        List<string> topics = [];
        for (var i = 0; i < 6; i++)
        {
            var publish = await bob.NextPublishAsync();
            await bob.PingAsync();
            Assert.Empty(bob.AlreadyHere());
            topics.Add(publish.Topic);
            await bob.AcknowledgeAsync(publish);
        }

        Assert.Equal(3, topics.Count(topic => topic == Data + "x"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_kept_client_that_comes_again_a_hundred_times_under_load_misses_nothing_and_hears_nothing_twice(byte qos)
    {
        await KeptClients.LeaveBehindAsync(_house.Broker, _house.Bob, MqttVersion.V5, Data + "#", qos: qos);
        await using var ana = await _house.ConnectAsync(_house.Ana);
        var saying = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                Assert.True((await ana.PublishAsync(Data + "x", Number(i), qos)).Accepted);
            }
        }, TestContext.Current.CancellationToken);

        // A delivery that was not completed comes again, with DUP and under its packet id.
        Dictionary<string, ushort> ids = [];
        List<string> heard = [];
        for (var round = 0; round < 100 || heard.Count < 500; round++)
        {
            var (bob, answer) = await KeptClients.ConnectAsync(_house.Broker, _house.Bob);
            await using var _ = bob;
            Assert.True(answer.SessionPresent);
            if (saying.IsFaulted)
            {
                await saying;
            }

            List<ReceivedPublish> came = heard.Count < 500 ? [await bob.NextPublishAsync()] : [];
            bob.Abort();
            await bob.DisposeAsync();

            // What it has acknowledged by itself to its end.
            came.AddRange(bob.AlreadyHere());
            foreach (var publish in came)
            {
                if (ids.TryAdd(publish.Text, publish.PacketId))
                {
                    heard.Add(publish.Text);
                    continue;
                }

                Assert.Equal((true, ids[publish.Text]), (publish.Duplicate, publish.PacketId));
            }
        }

        await saying;
        Assert.Equal(Enumerable.Range(0, 500).Select(Number), heard);
    }

    [Fact]
    public async Task A_clean_start_ends_what_was_kept_of_data_too()
    {
        await KeptClients.LeaveBehindAsync(_house.Broker, _house.Bob, MqttVersion.V5, Data + "#");
        await using (var clean = await RawMqttClient.OverTcpAsync(_house.Broker.Mqtt))
        {
            Assert.False((await clean.ConnectAsync("bob", _house.Bob.Token, "bot", cleanStart: true)).SessionPresent);
            await clean.SubscribeAsync(Data + "marker");
            await clean.DisconnectAsync();
            await clean.WaitForCloseAsync();
        }

        await Talk.GoneAsync(_house.Broker, _house.Bob);
        await _house.PublishAsync("not owed");
        var (bob, answer) = await KeptClients.ConnectAsync(_house.Broker, _house.Bob);
        await using var _ = bob;
        Assert.False(answer.SessionPresent);
        await bob.SubscribeAsync(Data + "marker");
        await using var ana = await _house.ConnectAsync(_house.Ana);
        await ana.PublishAsync(Data + "marker", "first");
        Assert.Equal("first", (await bob.NextPublishAsync()).Text);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task When_the_home_is_lost_clients_and_devices_end_and_find_again_what_was_acknowledged(int level)
    {
        var version = (MqttVersion)level;
        var token = await _house.MountAsync(_house.Bob);
        await KeptClients.LeaveBehindAsync(_house.Broker, _house.Ana, MqttVersion.V5, Data + "#", qos: 2);
        await using var bob = await _house.ListenAsync(_house.Bob, version: version);
        await using var device = await _house.ConnectAsync(_house.Bob, version, password: token);
        for (var i = 0; i < 50; i++)
        {
            Assert.True((await device.PublishAsync("at/" + Number(i), Number(i), retain: true)).Accepted);
        }

        _nodes.Lose();

        foreach (var client in (RawMqttClient[])[bob, device])
        {
            var closed = await client.WaitForCloseAsync();
            Assert.True(version == MqttVersion.V311 || closed.Disconnect is null or 0x88);
        }

        var (ana, _) = await KeptClients.ConnectAsync(_house.Broker, _house.Ana);
        await using var __ = ana;
        List<string> heard = [];
        while (heard.Count < 50)
        {
            heard.Add((await ana.NextPublishAsync()).Text);
        }

        Assert.Equal(Enumerable.Range(0, 50).Select(Number), heard);
        using var calls = Calls.As(_house.Broker, _house.Bob);
        var page = await calls.Get("/api/rooms/greenhouse/data?limit=100");
        Assert.Equal(50, page.GetProperty("values").GetArrayLength());
    }

    [Fact]
    public async Task When_the_home_is_lost_no_will_is_said_of_a_client_that_is_told_to_come_again()
    {
        await using var lamp = await RawMqttClient.OverTcpAsync(_house.Broker.Mqtt);
        Will will = new("rooms/greenhouse", "lost", 1);
        Assert.True((await lamp.ConnectAsync(_house.Ana.Account.UserName, _house.Ana.Token, "lamp", will: will)).Accepted);
        Assert.Equal([1], (await lamp.SubscribeAsync(Data + "#")).ReasonCodes);
        await using var bob = await _house.ConnectAsync(_house.Bob);
        Assert.Equal([1], (await bob.SubscribeAsync("rooms/greenhouse")).ReasonCodes);

        _nodes.Lose();

        await lamp.WaitForCloseAsync();
        await HandshakeTests.UntilAsync(() => _house.Broker.Get<ConnectionDirectory>().Count == 1);
        Assert.True((await bob.PublishAsync("rooms/greenhouse", "after")).Accepted);
        var heard = await bob.PublishesUntilAsync(publish => publish.Json.TryGetProperty("text", out var text) && text.GetString() == "after");
        Assert.DoesNotContain(heard, publish => publish.Json.TryGetProperty("text", out var text) && text.GetString() == "lost");
    }

    [Fact]
    public async Task When_the_nodes_do_not_reach_each_other_the_client_is_told_to_come_again_and_does()
    {
        await using var bob = await _house.ListenAsync(_house.Bob);
        _nodes.IsCut = true;
        await using var ana = await _house.ConnectAsync(_house.Ana);
        await ana.SendPublishAsync(Data + "x", Encoding.UTF8.GetBytes("lost"));

        Assert.Equal((byte?)0x88, (await ana.WaitForCloseAsync()).Disconnect);
        Assert.Equal((byte?)0x88, (await bob.WaitForCloseAsync()).Disconnect);

        _nodes.IsCut = false;
        await using var again = await _house.ListenAsync(_house.Bob);
        await _house.PublishAsync("there");
        Assert.Equal("there", (await again.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task A_device_of_another_node_ends_with_its_token_and_with_its_room()
    {
        var token = await _house.MountAsync(_house.Bob);
        await using var device = await _house.ConnectAsync(_house.Bob, password: token);
        await using var bob = await _house.ListenAsync(_house.Bob);
        Assert.True((await device.PublishAsync("x", "1")).Accepted);
        Assert.Equal("1", (await bob.NextPublishAsync()).Text);

        await Acts.ModerateAsync(_house.Broker, "greenhouse", _house.Ana, "kick", _house.Bob.Account);

        await device.WaitForCloseAsync();
        await _house.PublishAsync("after");
        await bob.PingAsync();
        Assert.Empty(bob.AlreadyHere());
    }

    [Fact]
    public async Task The_end_of_a_login_session_silences_what_it_hears_of_another_node()
    {
        var browser = await _house.Broker.SignInAsync(_house.Bob.Account);
        await using var bob = await _house.Broker.ConnectBrowserAsync(browser);
        Assert.Equal([1], (await bob.SubscribeAsync(Data + "#")).ReasonCodes);
        await _house.PublishAsync("heard");
        Assert.Equal("heard", (await bob.NextPublishAsync()).Text);

        await _house.Broker.Get<LoginSessions>().EndAsync(browser.Session);
        await _house.PublishAsync("not heard");

        Assert.Equal((byte?)0x98, (await bob.WaitForCloseAsync()).Disconnect);
        Assert.Empty(bob.AlreadyHere());
        await HandshakeTests.UntilAsync(() => _house.Broker.Get<NodePipes>().Count == 0);
    }

    [Fact]
    public async Task By_HTTP_values_are_set_read_and_cleared_at_the_home()
    {
        using var calls = Calls.As(_house.Broker, _house.Bob);
        await calls.Expect(HttpStatusCode.NoContent, HttpMethod.Put, "/api/rooms/greenhouse/data?topic=bed/temp", 22);
        await using var bob = await _house.ListenAsync(_house.Bob);
        Assert.Equal(Data + "bed/temp", (await bob.NextPublishAsync()).Topic);
        await calls.Expect(HttpStatusCode.NoContent, HttpMethod.Delete, "/api/rooms/greenhouse/data?topic=bed/temp", null);
        Assert.Equal("", (await bob.NextPublishAsync()).Text);
        await calls.Expect(HttpStatusCode.NotFound, HttpMethod.Get, "/api/rooms/greenhouse/data?topic=bed/temp", null);
    }

    [Fact]
    public async Task Nobody_comes_in_by_a_node_that_names_no_login_session_of_this_house()
    {
        var pipes = _house.Broker.Get<NodePipes>();
        var bob = _house.Bob.Account;
        Assert.Equal((byte?)0x20, await FirstByteAsync(new PipePreface(PipeUse.Client, "by-password", bob.Id, IsByPassword: true, ClientId: "bot")));

        foreach (var preface in (PipePreface[])
            [
                new(PipeUse.Client, ClientId: "bot"),
                new(PipeUse.Client, "none", bob.Id, ClientId: "bot"),
                new(PipeUse.Client, "none", "nobody", IsByPassword: true, ClientId: "bot"),
                new(PipeUse.Device, ClientId: "bot"),
            ])
        {
            Assert.Null(await FirstByteAsync(preface));
        }

        await _house.Broker.Get<AccountBans>().BanAsync("bob", null);
        Assert.Null(await FirstByteAsync(new PipePreface(PipeUse.Client, "another", bob.Id, IsByPassword: true, ClientId: "bot")));

        // Null: the pipe is closed without a word.
        async Task<byte?> FirstByteAsync(PipePreface preface)
        {
            var pipe = pipes.Open("home", preface.Encode(), "");
            await pipe.Output.WriteAsync(WebMessenger.Broker.Wire.ClientPackets.Connect("bot", isClean: true, 0, 10, int.MaxValue));
            var read = await pipe.Input.ReadAsync();
            byte? first = read.Buffer.IsEmpty ? null : read.Buffer.FirstSpan[0];
            pipe.Abort();
            return first;
        }
    }

    [Fact]
    public async Task Who_takes_none_of_what_another_node_delivers_is_closed()
    {
        await using var bob = await RawMqttClient.OverTcpAsync(_house.Broker.Mqtt, receiveBuffer: 4096);
        await bob.ConnectAsync("bob", _house.Bob.Token, properties: new() { { PropertyId.ReceiveMaximum, 20 } });
        await bob.SubscribeAsync(Data + "#");
        bob.StopReading();
        await using var ana = await _house.ConnectAsync(_house.Ana);

        for (var i = 0; i < 12; i++)
        {
            await ana.PublishAsync(Data + "x", new byte[900_000]);
        }

        await Talk.GoneAsync(_house.Broker, _house.Bob);
    }

    [Fact]
    public async Task Whose_a_request_is_a_stranger_does_not_say()
    {
        using HttpClient http = new() { BaseAddress = _house.Broker.Http };
        http.DefaultRequestHeaders.Add("WebMessenger-Client", "203.0.113.9 https");
        var login = new { login = _house.Bob.Account.UserName, password = "correct horse battery staple" };
        using var answer = await http.PostAsJsonAsync(new Uri("/api/session", UriKind.Relative), login, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["127.0.0.1"], _house.Broker.Get<LoginSessions>().List(_house.Bob.Account).Select(session => session.Address).OfType<string>());
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
