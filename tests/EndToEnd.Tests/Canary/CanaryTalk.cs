using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Canary;

/// <summary>
/// A text that is said nowhere else goes through all that can be done with a message, in a room and in a conversation, and is
/// deleted. Each step has an id, so
/// that it can be taken again when the server died in it.
/// </summary>
internal sealed class CanaryTalk : IDisposable
{
    private static readonly (string ClientId, MqttVersion Version)[] _away = [("away-5", MqttVersion.V5), ("away-4", MqttVersion.V311)];
    private readonly ServerProcess _server;
    private string _token = "";
    private long _said, _others, _whispered, _last;

    private CanaryTalk(ServerProcess server, Person ana, Person bea, Person caio, string room) =>
        (_server, Ana, Bea, Caio, Room) = (server, ana, bea, caio, room);

    /// <summary>Says it and deletes it; the room is hers.</summary>
    public Person Ana { get; }

    /// <summary>Reads it, answers it, keeps it.</summary>
    public Person Bea { get; }

    /// <summary>Is away when it is said, and has two clients that are kept.</summary>
    public Person Caio { get; }

    public IReadOnlyList<Person> All => [Ana, Bea, Caio];

    public string Room { get; }

    /// <summary>Nothing that a file's compression could take for a repetition.</summary>
    public string Word { get; } = "canary" + Guid.NewGuid().ToString("N");

    /// <summary>The message in the room, after the first step.</summary>
    public long Said => _said;

    public IReadOnlyList<(string Name, Func<Task> TakeAsync)> Steps =>
    [
        ("say", async () => _said = await RoomAsync(Ana, "say", new { type = "message", text = $"@{Bea.UserName} @{Caio.UserName} {Word}1" })),
        ("quote", () => RoomAsync(Bea, "quote", new { type = "message", text = "yes", replyTo = _said })),
        ("react", () => RoomAsync(Bea, "react", new { type = "reaction", of = _said, emoji = "👍", on = true })),
        ("edit", () => RoomAsync(Ana, "edit", new { type = "edit", of = _said, text = $"{Word}2 @{Bea.UserName} https://example.org/{Word}" })),
        ("pin", () => RoomAsync(Ana, "pin", new { type = "pin", of = _said, on = true })),
        ("save", () => ExpectAsync(Bea.Http.PutAsync($"/api/saved/rooms/{Room}/{_said}", null))),
        ("say another", async () => _others = await RoomAsync(Bea, "another", new { type = "message", text = $"{Word}3 @{Ana.UserName}", action = true })),
        ("whisper", async () => _whispered = await TalkAsync(Ana, Bea, "whisper", new { type = "message", text = $"{Word}4" })),
        ("answer it", () => TalkAsync(Bea, Ana, "answer", new { type = "message", text = "oh", replyTo = _whispered })),
        ("react to it", () => TalkAsync(Bea, Ana, "react2", new { type = "reaction", of = _whispered, emoji = "👍", on = true })),
        ("edit it", () => TalkAsync(Ana, Bea, "edit2", new { type = "edit", of = _whispered, text = $"{Word}5" })),
        ("save it", () => ExpectAsync(Bea.Http.PutAsync($"/api/saved/conversations/{Ana.UserName}/{_whispered}", null))),
        ("whisper what the list of conversations shows", async () => _last = await TalkAsync(Bea, Ana, "last", new { type = "message", text = $"{Word}6" })),
        ("search", SearchAsync),
    ];

    public IReadOnlyList<(string Name, Func<Task> TakeAsync)> Deletions =>
    [
        ("delete", () => RoomAsync(Ana, "delete", new { type = "delete", of = _said })),
        ("delete another's", () => RoomAsync(Ana, "delete3", new { type = "delete", of = _others, reason = "said twice" })),
        ("delete what was whispered", () => TalkAsync(Ana, Bea, "delete2", new { type = "delete", of = _whispered })),
        ("delete what stands in the list", () => TalkAsync(Bea, Ana, "delete4", new { type = "delete", of = _last })),
    ];

    public static async Task<CanaryTalk> OfAsync(ServerProcess server)
    {
        var ana = await Person.RegisterAsync(server);
        var bea = await Person.RegisterAsync(server, "bea");
        var caio = await Person.RegisterAsync(server, "caio");
        var room = await ana.NewRoomAsync("The yard", "yard");
        await bea.EnterAsync(room);
        await caio.EnterAsync(room);
        CanaryTalk talk = new(server, ana, bea, caio, room) { _token = await caio.NewTokenAsync() };
        await talk.LeaveClientsBehindAsync();
        return talk;
    }

    /// <summary>All that the kept clients are brought when they are back, which is theirs from then on.</summary>
    public async Task<string> KeptForClientsAsync()
    {
        StringBuilder heard = new();
        foreach (var (clientId, version) in _away)
        {
            await using var client = await ConnectAsync(clientId, version, isKept: true);
            await RoomAsync(Ana, "marker" + clientId, new { type = "message", text = "marker " + clientId });
            var missed = await client.PublishesUntilAsync(
                publish => publish.Topic == $"rooms/{Room}" && publish.Text.Contains("marker " + clientId, StringComparison.Ordinal));
            heard.AppendJoin('\n', missed.Select(publish => publish.Text));
            await client.PingAsync();
            heard.AppendJoin('\n', client.AlreadyHere().Select(publish => publish.Text));
        }

        return heard.ToString();
    }

    public void Dispose()
    {
        foreach (var person in All)
        {
            person.Dispose();
        }
    }

    private async Task LeaveClientsBehindAsync()
    {
        foreach (var (clientId, version) in _away)
        {
            await using var client = await ConnectAsync(clientId, version, isKept: false);
            foreach (var filter in (string[])[$"rooms/{Room}", "users/" + Caio.UserName, $"users/{Caio.UserName}/notices"])
            {
                Assert.Equal([1], (await client.SubscribeAsync(filter)).ReasonCodes);
            }

            await client.DisconnectAsync();
            await client.WaitForCloseAsync();
        }
    }

    private async Task<RawMqttClient> ConnectAsync(string clientId, MqttVersion version, bool isKept)
    {
        var client = await _server.TcpAsync(version);
        var properties = version == MqttVersion.V5 ? new MqttProperties { { PropertyId.SessionExpiry, 3600 } } : null;
        var answer = await client.ConnectAsync(Caio.UserName, _token, clientId, cleanStart: false, properties: properties);
        Assert.Equal((0, isKept), (answer.ReasonCode, answer.SessionPresent));
        return client;
    }

    /// <summary>The index follows by half a second; what is not found yet would not be missed later.</summary>
    private async Task SearchAsync()
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(50));
        var hit = string.Create(CultureInfo.InvariantCulture, $"\"seq\":{_said}");
        while (!(await Bea.Http.GetStringAsync($"/api/search?q={Word}2", patience.Token)).Contains(hit, StringComparison.Ordinal))
        {
            await again.WaitForNextTickAsync(patience.Token);
        }
    }

    private Task<long> RoomAsync(Person who, string id, object command) => PostAsync(who, $"/api/rooms/{Room}/events", id, command);

    private static Task<long> TalkAsync(Person who, Person with, string id, object command) =>
        PostAsync(who, $"/api/conversations/{with.UserName}/events", id, command);

    // What was done before, by its id or because it is so already, is answered 200 or 204; what was deleted before, 410.
    private static async Task<long> PostAsync(Person who, string path, string id, object command)
    {
        var body = JsonSerializer.SerializeToNode(command)!;
        body["id"] = id;
        var answer = await who.Http.PostAsJsonAsync(path, body);
        Assert.True(
            answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.NoContent,
            $"{id}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return answer.StatusCode == HttpStatusCode.NoContent ? 0 : (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("seq").GetInt64();
    }

    private static async Task ExpectAsync(Task<HttpResponseMessage> asking)
    {
        var answer = await asking;
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }
}
