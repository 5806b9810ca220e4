using System.Globalization;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>People who talk in a room by MQTT while something else is tested in it.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private readonly string _room;
    private readonly List<(Person Person, RawMqttClient Client)> _people = [];
    private int _said;

    private Crowd(string room) => _room = room;

    public static async Task<Crowd> InAsync(ServerProcess server, string room, int people = 2)
    {
        Crowd crowd = new(room);
        for (var i = 0; i < people; i++)
        {
            var person = await Person.RegisterAsync(server, "crowd");
            var client = await server.PageAsync(person.Cookie);
            crowd._people.Add((person, client));
            Assert.True((await client.ConnectAsync()).Accepted);
        }

        return crowd;
    }

    /// <summary>Everybody says so much, each as fast as it is acknowledged.</summary>
    public Task TalkAsync(int each) => Task.WhenAll(_people.Select(async one =>
    {
        for (var i = 0; i < each; i++)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{one.Person.UserName} says {Interlocked.Increment(ref _said)}");
            var ack = await one.Client.PublishAsync($"rooms/{_room}", text);
            Assert.True(ack.Accepted, ack.ReasonString);
        }
    }));

    public async ValueTask DisposeAsync()
    {
        foreach (var (person, client) in _people)
        {
            await client.DisposeAsync();
            person.Dispose();
        }
    }
}
