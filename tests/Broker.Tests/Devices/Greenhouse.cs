using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>A server with a room `greenhouse` that ana owns and bob is a member of, where members write data.</summary>
internal sealed class Greenhouse : IAsyncDisposable
{
    public const string Data = "rooms/greenhouse/data/";

    private Greenhouse(RunningBroker broker, Member ana, Member bob) => (Broker, Ana, Bob) = (broker, ana, bob);

    public RunningBroker Broker { get; }

    public Member Ana { get; }

    public Member Bob { get; }

    public Room Room => Broker.Room("greenhouse");

    public static async Task<Greenhouse> OpenAsync(string write = "members", params string[] settings) =>
        await OnAsync(await RunningBroker.StartAsync(settings), write);

    public static async Task<Greenhouse> OnAsync(RunningBroker broker, string write = "members")
    {
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        using (var anas = Calls.As(broker, ana))
        {
            await anas.MakeRoom("greenhouse");
        }

        Greenhouse house = new(broker, ana, bob);
        await house.RuleAsync(write: write);
        await broker.Get<RoomMembers>().JoinAsync(house.Room, bob.Account);
        return house;
    }

    /// <summary>Changes who reads and writes data.</summary>
    public Task RuleAsync(string? read = null, string? write = null) =>
        Acts.ChangeAsync(Broker, "greenhouse", Ana, new() { Data = new DataChanges(read, write) });

    public Task<RawMqttClient> ConnectAsync(Member member, MqttVersion version = MqttVersion.V5, string clientId = "", string? password = null) =>
        Broker.ConnectAsync(member, version, clientId, password);

    public async Task<RawMqttClient> ListenAsync(Member member, string below = "#", byte qos = 2, byte options = 0, MqttVersion version = MqttVersion.V5)
    {
        var client = await ConnectAsync(member, version);
        Assert.Equal([qos], (await client.SubscribeAsync([new Filter(Data + below, qos, options)])).ReasonCodes);
        return client;
    }

    /// <summary>A token whose clients see the room's data topics and nothing else.</summary>
    public async Task<string> MountAsync(Member member, string room = "greenhouse", TopicScope? topics = null, string name = "device")
    {
        var created = await Broker.Get<AccessTokens>().CreateAsync(
            member.Account, name, null, null, null, mount: new AskedMount(room, topics, _ => true));
        Assert.True(created.TryGet(out var token, out var refusal), $"{refusal}");
        return token.Secret;
    }

    public async Task<RawMqttClient> ConnectMountedAsync(
        Member member, MqttVersion version = MqttVersion.V5, string clientId = "", TopicScope? topics = null) =>
        await ConnectAsync(member, version, clientId, await MountAsync(member, topics: topics));

    /// <summary>Ana's device says something on `data/x` at QoS 1.</summary>
    public async Task PublishAsync(string text, bool retain = false)
    {
        await using var device = await ConnectAsync(Ana);
        Assert.True((await device.PublishAsync(Data + "x", text, retain: retain)).Accepted);
    }

    public ValueTask DisposeAsync() => Broker.DisposeAsync();
}
