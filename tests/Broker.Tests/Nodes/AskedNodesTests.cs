using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Operator;
using WebMessenger.Broker.Tests.Wire;

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

    private Task<RunningBroker> StartAsync() => RunningBroker.StartWithAsync(services => services.AddSingleton<INodes>(provider =>
        new NodesInOneProcess("self", new ThisNode(provider.GetRequiredService<LoginSessions>().Here, provider.GetRequiredService<ConnectionDirectory>()), _other)));
}
