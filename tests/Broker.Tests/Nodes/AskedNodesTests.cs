using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Operator;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Tests.Wire;
using WebMessenger.Storage.Nodes;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>That the program asks all nodes, where one of them is another program.</summary>
public sealed class AskedNodesTests
{
    private readonly RecordingNode _other = new("other");

    [Fact]
    public async Task Fault_R9_A_logout_is_answered_when_every_node_has_silenced_the_login_session()
    {
        await using var broker = await StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        await using var client = await broker.ConnectBrowserAsync(browser);
        _other.Hold();
        var ending = broker.Get<LoginSessions>().EndAsync(browser.Session);

        // Here it has ended already; and elsewhere it is asked for.
        Assert.Equal((byte?)0x98, (await client.WaitForCloseAsync()).Disconnect);
        Assert.Equal([browser.Session.Id], _other.Revoked);
        Assert.False(ending.IsCompleted);

        _other.Answer();
        await ending.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Fault_R9_A_ban_is_answered_when_every_node_has_silenced_the_account()
    {
        await using var broker = await StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await _other.AskedAsync();
        _other.Hold();
        var ban = TypedCommand.DoneAsync(broker, "ban", "ana");

        Assert.Equal((byte?)0x98, (await client.WaitForCloseAsync()).Disconnect);
        await _other.AskedAsync();
        Assert.NotEmpty(_other.Revoked);
        Assert.False(ban.IsCompleted);

        _other.Answer();
        Assert.Contains("ana is banned", await ban, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_R9_Who_takes_a_client_id_over_is_let_in_when_every_node_has_ended_the_old_connection()
    {
        await using var broker = await StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var old = await broker.ConnectAsync(ana, clientId: "phone");
        Assert.Equal([new ClientName(ana.Account.Id, "phone")], _other.TakenOver);
        _other.Hold();
        var connecting = broker.ConnectAsync(ana, clientId: "phone");

        Assert.Equal((byte?)0x8E, (await old.WaitForCloseAsync()).Disconnect);
        Assert.False(connecting.IsCompleted);

        _other.Answer();
        await using var client = await connecting;
        await client.PingAsync();
    }

    [Fact]
    public async Task Who_is_displaced_while_it_waits_for_its_turn_ends_nobody_at_another_node()
    {
        HeardLinks links = new();
        HeldTurns turns = new();
        await using var broker = await RunningBroker.StartWithAsync(services => services.AddSingleton<INodes>(
            provider => new ManyNodes(Here(provider), links, turns, AloneLease.Instance, NullLogger.Instance)));
        var ana = await broker.RegisterAsync("ana");
        await using var older = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5);
        await older.SendAsync(ClientPackets.Connect(MqttVersion.V5, "ana", ana.Token, "phone", cleanStart: true, 300, null, null));
        var first = await turns.WantedAsync();
        var connecting = broker.ConnectAsync(ana, clientId: "phone");
        var second = await turns.WantedAsync();
        await older.WaitForCloseAsync();

        // Who waits for the turn does not stand in it as it came.
        second.Come();
        await using var newer = await connecting;
        Assert.Single(links.Asked);
        first.Come();
        await first.Over.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Single(links.Asked);
        await newer.PingAsync();
    }

    [Fact]
    public async Task At_a_node_that_has_lost_touch_nobody_becomes_the_client()
    {
        LosableLease lease = new() { IsFresh = false };
        ManyNodes nodes = new(_other, new HeardLinks(), new HouseTurns(), lease, NullLogger.Instance);
        Newcomer newcomer = new("c1", "s1", Scope.Everything);
        await Assert.ThrowsAsync<IOException>(() => nodes.TakeOverAsync(new("ana", "phone"), newcomer));

        lease.IsFresh = true;
        using var taken = await nodes.TakeOverAsync(new("ana", "phone"), newcomer).WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(taken.IsYours);
    }

    private static ThisNode Here(IServiceProvider provider) => new(provider.GetRequiredService<LoginSessions>().Here, provider.GetRequiredService<ConnectionDirectory>());

    private Task<RunningBroker> StartAsync() => RunningBroker.StartWithAsync(services => services.AddSingleton<INodes>(provider =>
        new NodesInOneProcess("self", Here(provider), _other)));

    private sealed class LosableLease : ILease
    {
        public bool IsFresh { get; set; }

        public long Losses => 0;

        public ValueTask WhenFreshAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Each turn comes when the test says so.</summary>
    private sealed class HeldTurns : ITurns
    {
        private readonly Channel<Turn> _wanted = Channel.CreateUnbounded<Turn>();

        public bool IsAlone => false;

        public Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default)
        {
            Turn turn = new();
            Assert.True(_wanted.Writer.TryWrite(turn));
            return turn.Coming;
        }

        public ValueTask<Turn> WantedAsync() => _wanted.Reader.ReadAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Turn : IDisposable
    {
        private readonly TaskCompletionSource<IDisposable> _coming = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<IDisposable> Coming => _coming.Task;

        public Task Over => _over.Task;

        public void Come() => _coming.SetResult(this);

        public void Dispose() => _over.TrySetResult();
    }
}
