using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>What tests of `users/{user}/unread` do: a room for two, a page that listens, a second that passes.</summary>
internal static class UnreadTalk
{
    internal const byte DoNotSendRetained = 32;

    /// <summary>The program without its seconds.</summary>
    internal static Task<RunningBroker> StartAsync(params string[] settings) => RunningBroker.StartWithAsync(
        services => services.Remove(services.Single(service => service.ImplementationType == typeof(KeepAliveSweep))), settings);

    /// <summary>Bob's private room, with Ana in it.</summary>
    internal static async Task<(Member Ana, Member Bob)> InOneRoomAsync(RunningBroker broker)
    {
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await CreateAsync(broker, "den", bob, ana);
        return (ana, bob);
    }

    internal static async Task CreateAsync(RunningBroker broker, string name, Member owner, params Member[] members)
    {
        Assert.True(RoomId.TryParse(name, out var id));
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMaking>().CreateAsync(id, name, "", isPrivate: true, owner.Account));
        foreach (var member in members)
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room(name), member.Account);
        }
    }

    internal static async Task<RawMqttClient> BrowserAsync(RunningBroker broker, Member member) =>
        await broker.ConnectBrowserAsync(await broker.SignInAsync(member.Account));

    /// <summary>A page that listens, has been told everything, and hears whispers, which mark the end of a second.</summary>
    internal static async Task<RawMqttClient> ListenAsync(RunningBroker broker, Member member)
    {
        var page = await BrowserAsync(broker, member);
        var user = member.Account.UserName;
        Assert.Equal([1, 1], (await page.SubscribeAsync([new Filter($"users/{user}"), new Filter($"users/{user}/unread")])).ReasonCodes);
        Assert.True((await page.NextPublishAsync()).Retain);
        return page;
    }

    /// <summary>A second passes: what Ana's client is told by it of rooms, and not of what marks its end.</summary>
    internal static async Task<IReadOnlyList<ReceivedPublish>> SecondAsync(RunningBroker broker, RawMqttClient listener, RawMqttClient other)
    {
        broker.Get<UnreadWatch>().Sweep();
        Assert.True((await other.PublishAsync("users/ana", "the second is over")).Accepted);
        return
        [
            .. (await listener.PublishesUntilAsync(publish => publish.Topic == "users/ana")).SkipLast(1)
                .Where(publish => !publish.Text.Contains("\"rooms\":[],\"conversations\"", StringComparison.Ordinal)),
        ];
    }

    internal static async Task<List<PubAck>> SayAsync(RawMqttClient speaker, string topic, int count)
    {
        List<PubAck> said = [];
        for (var i = 0; i < count; i++)
        {
            said.Add(await speaker.PublishAsync(topic, $"said {i}"));
            Assert.True(said[^1].Accepted);
        }

        return said;
    }

    internal static List<JsonElement> Named(ReceivedPublish publish) => [.. publish.Json.GetProperty("rooms").EnumerateArray()];

    internal static (long Head, long Seq, int Unread, int Bots) Numbers(ReceivedPublish publish, string room)
    {
        var named = Named(publish).Single(named => named.GetProperty("room").GetString() == room);
        return (
            named.GetProperty("head").GetInt64(),
            named.GetProperty("seq").GetInt64(),
            named.GetProperty("unread").GetInt32(),
            named.GetProperty("bots").GetInt32());
    }

    internal static HttpClient Client(RunningBroker broker, string token)
    {
        HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    internal static Uri Path(string path) => new(path, UriKind.Relative);

    internal static async Task ExpectNoContentAsync(Task<HttpResponseMessage> sent)
    {
        using var answer = await sent;
        Assert.Equal(System.Net.HttpStatusCode.NoContent, answer.StatusCode);
    }
}
