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

    /// <summary>What was said last of all.</summary>
    public string LastSaid { get; private set; } = "";

    /// <summary>Everybody, or the first of them, say so much, each as fast as it is acknowledged.</summary>
    public Task TalkAsync(int each, int people = int.MaxValue) => Task.WhenAll(_people.Take(people).Select(one => TalkAsync(one, each)));

    private async Task TalkAsync((Person Person, RawMqttClient Client) one, int each)
    {
        for (var i = 0; i < each; i++)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{one.Person.UserName} says {Interlocked.Increment(ref _said)}");
            var ack = await one.Client.PublishAsync($"rooms/{_room}", text);
            Assert.True(ack.Accepted, ack.ReasonString);
            LastSaid = text;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (person, client) in _people)
        {
            await client.DisposeAsync();
            person.Dispose();
        }
    }
}
