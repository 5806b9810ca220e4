using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// One account in the yard on every kind of client: a tab, a client of all its rooms, and one that has stopped reading. An account that
/// is no guest's has kept clients too: one that is away, and one that has acknowledged nothing.
/// </summary>
internal sealed class Listeners : IAsyncDisposable
{
    private static readonly MqttProperties _kept = new() { { PropertyId.SessionExpiry, 600u } };

    private readonly RunningBroker _broker;
    private readonly Account _account;
    private readonly string? _token;
    private readonly List<(string Name, RawMqttClient Client)> _reading = [];
    private RawMqttClient _stalled = null!;
    private RawMqttClient? _half;

    private Listeners(RunningBroker broker, Account account, string? token) => (_broker, _account, _token) = (broker, account, token);

    /// <summary>What one of them hears to the end of what was sent before.</summary>
    public string Inbox => "users/" + _account.UserName;

    /// <param name="token">Of the account; null: a guest's, which has its cookie alone.</param>
    public static async Task<Listeners> OpenAsync(MessageTalk talk, Account account, string? token)
    {
        var broker = talk.Broker;
        Listeners all = new(broker, account, token);
        var browser = await broker.SignInAsync(account);
        await using (var flooder = await broker.ConnectAsync(talk.Maker, MqttVersion.V311))
        {
            // Before the others come: they would hear it all.
            all._stalled = await broker.ConnectBrowserAsync(browser, "stalled", receiveBuffer: 4096);
            await all._stalled.SubscribeAsync([new Filter(Topic, 0), new Filter("rooms/+/text", 0)]);
            all._stalled.StopReading();
            await Flood.Async(flooder, Topic);
        }

        Assert.Contains(broker.Room("yard").Subscribers.ToArray(), one => one.Member.Account == account && !one.Member.KeepsUp);
        var tab = await broker.ConnectBrowserAsync(browser, "tab");
        await tab.SubscribeAsync([new(Topic), new(Topic + "/text"), new(Topic + "/people"), new(Topic + "/data/#"), new(all.Inbox)]);
        all._reading.Add(("the tab", tab));
        var wild = token is null ? await broker.ConnectBrowserAsync(browser, "wild")
            : await broker.ConnectAsync(new Member(account, token), MqttVersion.V311);
        await wild.SubscribeAsync([new("rooms/#"), new("rooms/+/data/#"), new("rooms/+/people"), new(all.Inbox)]);
        all._reading.Add(("the client of all rooms", wild));
        if (token is not null)
        {
            await using (var away = await all.KeptAsync("away"))
            {
                await away.SubscribeAsync([new("rooms/+"), new(Topic), new(all.Inbox)]);
                await away.DisconnectAsync();
                await away.WaitForCloseAsync();
            }

            all._half = await all.KeptAsync("half", acknowledges: false);
            await all._half.SubscribeAsync([new(Topic), new(all.Inbox)]);
        }

        await talk.SayAsync(talk.Mod, "before it");
        foreach (var (_, client) in all._reading)
        {
            await client.PublishesUntilAsync(publish => publish.Topic == Topic && IsAbout(publish, "before it"));
        }

        if (all._half is { } half)
        {
            await half.PublishesUntilAsync(publish => publish.Topic == Topic && IsAbout(publish, "before it"));
        }

        return all;
    }

    public static bool IsAbout(ReceivedPublish publish, string words) => publish.Text.Contains(words, StringComparison.Ordinal);

    /// <summary>What came until now was sent before the answer; all that comes later is sent after it.</summary>
    public async Task ForgetAsync()
    {
        foreach (var client in _reading.Select(one => one.Client).Concat(_half is null ? [] : [_half]))
        {
            await client.PingAsync();
            _ = client.AlreadyHere().Count();
        }
    }

    /// <summary>Each publishes, and devices of the account do; over MQTT 3.1.1 nothing tells what became of it.</summary>
    public async Task SayAndBeRefusedAsync()
    {
        foreach (var (name, client) in _half is { } half ? [.. _reading, ("the kept client", half)] : _reading)
        {
            foreach (var topic in new[] { Topic, Topic + "/data/bed" })
            {
                var answer = await client.PublishAsync(topic, "said after the answer");
                Assert.True(client.Version == MqttVersion.V311 || !answer.Accepted, $"{name} published to {topic}.");
            }
        }
    }

    /// <summary>What each hears of the room after <see cref="ForgetAsync"/>, up to the marker, which is in its inbox already.</summary>
    public async Task<IReadOnlyList<(string Name, IReadOnlyList<ReceivedPublish> Heard)>> HearAsync(string marker)
    {
        List<(string Name, IReadOnlyList<ReceivedPublish> Heard)> all = [];
        foreach (var (name, client) in _reading)
        {
            all.Add((name, OfRooms(await client.PublishesUntilAsync(publish => publish.Topic == Inbox && IsAbout(publish, marker)))));
        }

        _stalled.ResumeReading();
        await _stalled.PingAsync();

        // What had come before it stalled is in between.
        all.Add(("the stalled client", [.. OfRooms(_stalled.AlreadyHere()).Where(publish => IsAbout(publish, "after the answer"))]));
        if (_half is not null)
        {
            all.Add(("the kept client", OfRooms(await _half.PublishesUntilAsync(publish => publish.Topic == Inbox && IsAbout(publish, marker)))));
            _half.Abort();
            await _half.WaitForCloseAsync();
            foreach (var clientId in new[] { "half", "away" })
            {
                await using var back = await KeptAsync(clientId);
                all.Add(($"the kept client {clientId} that is back", OfRooms(await back.PublishesUntilAsync(publish => publish.Topic == Inbox && IsAbout(publish, marker)))));
            }
        }

        return all;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _reading.Select(one => one.Client).Append(_stalled).Concat(_half is null ? [] : [_half]))
        {
            await client.DisposeAsync();
        }
    }

    private static IReadOnlyList<ReceivedPublish> OfRooms(IEnumerable<ReceivedPublish> heard) =>
        [.. heard.Where(publish => publish.Topic.StartsWith("rooms/", StringComparison.Ordinal))];

    private async Task<RawMqttClient> KeptAsync(string clientId, bool acknowledges = true)
    {
        var client = await RawMqttClient.OverTcpAsync(_broker.Mqtt);
        client.AcknowledgesItself = acknowledges;
        var answer = await client.ConnectAsync(_account.UserName, _token!, clientId, cleanStart: false, properties: _kept);
        Assert.Equal(0, answer.ReasonCode);
        return client;
    }
}
