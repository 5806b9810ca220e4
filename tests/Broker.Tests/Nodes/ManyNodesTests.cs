using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Postgres.Testing;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>Three nodes of a real cluster, in this process.</summary>
public sealed class ManyNodesTests : NodesContract, IAsyncLifetime
{
    private readonly List<(ClusterNode Cluster, ManyNodes Nodes, RecordingNode Here)> _house = [];
    private readonly TaskCompletionSource<ClientName> _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _decided = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var connection = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await using (var database = NpgsqlDataSource.Create(connection))
        {
            await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
        }

        foreach (var word in new[] { "a", "b", "c" })
        {
            var node = await ClusterNode.StartAsync(new NodeOptions { Postgres = connection, Port = FreePort() }, NodeName.Make(word), new NodeHooks(), NullLoggerFactory.Instance);
            RecordingNode here = new(node.Name);
            _house.Add((node, new ManyNodes(here, node.Links, node.Turns, AloneLease.Instance, NullLogger.Instance, Heard), here));
        }

        foreach (var (node, _, _) in _house)
        {
            await node.Links.StartAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (node, _, _) in _house)
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_client_is_let_in_elsewhere_when_what_it_sent_here_is_decided_on()
    {
        TaskCompletionSource decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _decided = decided.Task;
        ClientName client = new("ana", "phone");
        var taking = _house[0].Nodes.TakeOverAsync(client, new Newcomer("connection", "session", Scope.Everything));
        Assert.Equal(client, await _asked.Task);
        Assert.False(taking.IsCompleted);

        decided.SetResult();
        using var taken = await taking;
        Assert.True(taken.IsYours);
    }

    [Fact]
    public async Task While_a_node_cannot_say_what_a_client_had_sent_it_is_not_let_in_elsewhere_and_no_node_is_dead_for_that()
    {
        _decided = Task.FromException(new IOException("What it has sent cannot be stored."));
        ClientName client = new("ana", "phone");
        Newcomer newcomer = new("connection", "session", Scope.Everything);

        await Assert.ThrowsAsync<IOException>(() => _house[0].Nodes.TakeOverAsync(client, newcomer).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));

        Assert.All(_house, node => Assert.False(node.Cluster.Ended.IsCompleted));
        _decided = Task.CompletedTask;
        using var taken = await _house[0].Nodes.TakeOverAsync(client, newcomer);
        Assert.True(taken.IsYours);
        Assert.Equal(2, _house[0].Nodes.Others.Count);
    }

    [Fact]
    public async Task Nodes_that_are_ending_are_asked_for_a_client_until_they_have_left()
    {
        _decided = Task.FromException(new ObjectDisposedException("The services have ended."));
        var taking = _house[0].Nodes.TakeOverAsync(new("ana", "phone"), new Newcomer("connection", "session", Scope.Everything));
        await Task.WhenAny(taking, _asked.Task);
        Assert.False(taking.IsCompleted);

        foreach (var (ending, _, _) in _house[1..])
        {
            await ending.DisposeAsync();
        }

        using var taken = await taking.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(taken.IsYours);
    }

    private Task Heard(ClientName client)
    {
        _asked.TrySetResult(client);
        return _decided;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private protected override IReadOnlyList<(INodes Nodes, RecordingNode Here)> Open() => [.. _house.Select(node => ((INodes)node.Nodes, node.Here))];
}

public sealed class NodeMessagesTests
{
    [Fact]
    public void A_newcomer_comes_over_as_it_was()
    {
        Newcomer[] newcomers =
        [
            new("c1", "s1", Scope.Everything),
            new("c2", "s2", new Scope(new HashSet<string> { "lobby", "a" }, Verbs.Read)),
            new("c3", "s3", Scope.OfMount("plants", null)),
            new("c4", "s4", Scope.OfMount("plants", new TopicScope(["a/#"], ["b"]))),
        ];
        ClientName client = new("ana", "phone \"ü\"");
        foreach (var newcomer in newcomers)
        {
            var bytes = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(TakeOverMessage.Of(client, newcomer), NodeMessages.Default.TakeOverMessage);
            var read = NodeMessages.Read(bytes, NodeMessages.Default.TakeOverMessage, message => message.V);

            Assert.Equal(client, read.Name());
            Assert.Equal((newcomer.Connection, newcomer.Session), (read.Newcomer().Connection, read.Newcomer().Session));
            Assert.True(read.Newcomer().Scope.Covers(newcomer.Scope));
            Assert.True(newcomer.Scope.Covers(read.Newcomer().Scope));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{\"v\":2,\"reason\":1,\"sessions\":[\"s\"]}")]
    [InlineData("{\"v\":1,\"reason\":1}")]
    [InlineData("{\"v\":1,\"reason\":1,\"sessions\":[\"s\"")]
    public void What_cannot_be_read_is_not_taken_for_done(string message)
    {
        Assert.NotNull(NodeMessages.Read("{\"v\":1,\"reason\":1,\"sessions\":[\"s\"],\"more\":1}"u8.ToArray(), NodeMessages.Default.RevokeMessage, read => read.V));

        Assert.Throws<IOException>(() =>
            NodeMessages.Read(System.Text.Encoding.UTF8.GetBytes(message), NodeMessages.Default.RevokeMessage, read => read.V));
    }
}
