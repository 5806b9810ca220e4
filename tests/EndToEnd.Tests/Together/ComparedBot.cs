using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>
/// A program that talks MQTT over TCP with an access token: it reads history by HTTP, hears what follows, and catches up by `after`.
/// </summary>
internal sealed class ComparedBot : IAsyncDisposable
{
    private readonly ServerProcess _server;
    private readonly Person _owner;
    private readonly Person _other;
    private readonly string _token;
    private readonly HttpClient _http;
    private RawMqttClient? _client;
    private Task _reading = Task.CompletedTask;
    private string _room = "";
    private (long Seq, string Epoch) _inbox;

    private ComparedBot(ServerProcess server, Person owner, Person other, string token)
    {
        (_server, _owner, _other, _token) = (server, owner, other, token);
        _http = new HttpClient { BaseAddress = server.Address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public ToldModel Room { get; private set; } = new();

    public ToldModel Talk { get; private set; } = new();

    public bool IsUp => _client is { IsClosed: false };

    public static async Task<ComparedBot> OfAsync(ServerProcess server, Person owner, Person other) =>
        new(server, owner, other, await owner.NewTokenAsync());

    /// <summary>Reads a room and the conversation from their beginnings, and hears what follows.</summary>
    public async Task OpenAsync(string room)
    {
        await CloseAsync();
        _room = room;
        await ReadAnewAsync();
        await ConnectAsync();
    }

    /// <summary>Connects and goes on from what it knows.</summary>
    public async Task ConnectAsync()
    {
        await CloseAsync();
        var client = await _server.TcpAsync();
        var connAck = await client.ConnectAsync(_owner.UserName, _token);
        Assert.True(connAck.Accepted, $"CONNECT was refused: {connAck}");
        Assert.Equal([1], (await client.SubscribeAsync("users/" + _owner.UserName, properties: After(_inbox.Seq, _inbox.Epoch))).ReasonCodes);
        Assert.Equal([1], (await client.SubscribeAsync("rooms/" + _room, properties: After(Room.Head, Room.Epoch))).ReasonCodes);
        _client = client;
        _reading = HearAsync(client);
    }

    public async Task CloseAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
            await _reading;
            _client = null;
        }
    }

    /// <summary>Publishes to the room or to the other; returns the refusal, or null.</summary>
    public async Task<string?> PublishAsync(bool isTalk, object command)
    {
        var ack = await _client!.PublishAsync(isTalk ? "users/" + _other.UserName : "rooms/" + _room, JsonSerializer.Serialize(command, Sparse));
        return ack.Accepted ? null : ack.ReasonString ?? $"0x{ack.ReasonCode:X2}";
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _http.Dispose();
    }

    private static JsonSerializerOptions Sparse { get; } = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private static MqttProperties? After(long seq, string epoch) =>
        epoch.Length == 0 ? null : new MqttProperties { { "after", seq.ToString(CultureInfo.InvariantCulture) }, { "epoch", epoch } };

    private async Task ReadAnewAsync()
    {
        (Room, Talk) = (new ToldModel(), new ToldModel());
        // The inbox first: what is said in the conversation meanwhile comes by it, and is known by its seq.
        var inbox = await _http.GetFromJsonAsync<JsonElement>("/api/whispers?limit=1");
        _inbox = (inbox.GetProperty("head").GetInt64(), inbox.GetProperty("epoch").GetString()!);
        Talk.Read(await _http.GetFromJsonAsync<JsonElement>($"/api/conversations/{_other.UserName}/events?limit=500&view=lines"));
        Room.Read(await _http.GetFromJsonAsync<JsonElement>($"/api/rooms/{_room}/events?limit=500&view=lines"));
        Room.ReadPins(await _http.GetFromJsonAsync<JsonElement>($"/api/rooms/{_room}/pins?limit=200"));
    }

    private async Task HearAsync(RawMqttClient client)
    {
        try
        {
            while (true)
            {
                Hear((await client.NextPublishAsync(Timeout.InfiniteTimeSpan)).Json);
            }
        }
        catch (Exception error) when (error is WireException or TimeoutException or ObjectDisposedException)
        {
            // The server, or this client, has closed it.
        }
    }

    private void Hear(JsonElement @event)
    {
        var type = @event.GetProperty("type").GetString();
        Assert.NotEqual("reset", type);
        if (@event.TryGetProperty("room", out _))
        {
            Room.Hear(@event, "seq");
        }
        else if (@event.TryGetProperty("seq", out var seq))
        {
            _inbox = (seq.GetInt64(), @event.GetProperty("epoch").GetString()!);
            if (@event.GetProperty("with").GetString() == _other.UserName)
            {
                Talk.Hear(@event, "cseq");
            }
        }
    }
}
