using System.Text.Json;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>What tests ask of deliveries in a room.</summary>
internal static class Lobby
{
    public const string Topic = "rooms/lobby";

    /// <summary>A text that is said once in the whole run.</summary>
    public static string Unique(string what) => $"{what} {Guid.NewGuid():N}";

    public static bool Says(this ReceivedPublish publish, string text) =>
        publish.Topic == Topic && publish.Json.IsMessage(text);

    public static bool IsMessage(this JsonElement @event, string text) =>
        @event.GetProperty("type").GetString() == "message" && @event.GetProperty("text").GetString() == text;

    public static bool Is(this JsonElement @event, string type, string userName) =>
        @event.GetProperty("type").GetString() == type && @event.GetProperty("from").GetProperty("user").GetString() == userName;

    public static bool Is(this ReceivedPublish publish, string type, string userName) =>
        publish.Topic == Topic && publish.Json.Is(type, userName);

    /// <summary>Connects and subscribes to the lobby; fails when either is refused.</summary>
    public static async Task<RawMqttClient> InLobbyAsync(this Task<RawMqttClient> opening, string? user = null, string? password = null, byte qos = 1)
    {
        var client = await opening;
        var connAck = await client.ConnectAsync(user, password);
        Assert.True(connAck.Accepted, $"CONNECT was refused: {connAck}");
        var subAck = await client.SubscribeAsync(Topic, qos);
        Assert.True(subAck.ReasonCodes is [<= 2], $"SUBSCRIBE was refused: {subAck}");
        return client;
    }
}
