using System.Text;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Nodes;
using WebMessenger.Storage.Nodes;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who is writing, where the other's client is with another node.</summary>
public sealed class SharedTypingTests
{
    private readonly HeardLinks _links = new();

    [Fact]
    public async Task Other_nodes_are_told_who_types_and_what_they_tell_is_heard_here()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var anas = await broker.ConnectAsync(ana);
        await using var bobs = await broker.ConnectAsync(bob);
        await bobs.SubscribeAsync([new Filter("rooms/lobby/typing", 0), new Filter("users/bob/conversations/+/typing", 0)]);
        await anas.SubscribeAsync("rooms/lobby/text", 0);

        await anas.SendPublishAsync("rooms/lobby/typing", default);
        Assert.Equal("rooms/lobby/typing", (await bobs.NextPublishAsync()).Topic);
        await anas.SendPublishAsync("users/bob/typing", default);
        Assert.Equal("users/bob/conversations/ana/typing", (await bobs.NextPublishAsync()).Topic);
        await HandshakeTests.UntilAsync(() => _links.Told.Count == 2);
        string[] told = [.. _links.Told.Select(one => Encoding.ASCII.GetString(one.Message))];
        Assert.Equal([$"r/{broker.Room("lobby").Key}/{ana.Account.Id}", $"c/{bob.Account.Id}/{ana.Account.Id}"], told);

        foreach (var message in told)
        {
            _links.Say(NodeTopic.Typing, Encoding.ASCII.GetBytes(message));
            Assert.Equal("""{"user":"ana"}""", (await bobs.NextPublishAsync()).Text);
        }
    }

    [Fact]
    public async Task Who_is_not_in_the_room_is_not_heard_typing_in_it_whatever_another_node_says()
    {
        await using var broker = await StartAsync();
        var (ana, bob, eve) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"), await broker.RegisterAsync("eve"));
        await using var bobs = await broker.ConnectAsync(bob);
        await bobs.SubscribeAsync("rooms/lobby/typing", 0);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account);

        Say(eve.Account);
        Say(ana.Account);
        Assert.Equal("""{"user":"ana"}""", (await bobs.NextPublishAsync()).Text);

        void Say(Account account) => _links.Say(NodeTopic.Typing, Encoding.ASCII.GetBytes($"r/{broker.Room("lobby").Key}/{account.Id}"));
    }

    private Task<RunningBroker> StartAsync() => RunningBroker.StartAsync(services => services.AddSingleton<INodeLinks>(_links));
}
