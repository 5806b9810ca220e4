using System.Text.Json;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Notices;

/// <summary>What tests of notices ask and wait for.</summary>
internal static class NoticeTalk
{
    public static string TopicOf(Member who) => $"users/{who.Account.UserName}/notices";

    public static string Reply(long to, string text) => JsonSerializer.Serialize(new { type = "message", text, replyTo = to });

    public static async Task<JsonElement> PageAsync(RunningBroker broker, Member who)
    {
        using var calls = Calls.As(broker, who);
        return await calls.Get("/api/notices?limit=500");
    }

    public static async Task<JsonElement[]> NoticesAsync(RunningBroker broker, Member who) =>
        [.. (await PageAsync(broker, who)).GetProperty("events").EnumerateArray()];

    /// <summary>Waits until the account has so many notices, counted as they are stored.</summary>
    public static async Task UntilStoredAsync(RunningBroker broker, Member who, long count)
    {
        await using var client = await broker.ConnectAsync(who);
        Assert.Equal([1], (await client.SubscribeAsync(TopicOf(who), properties: new MqttProperties { { "after", "0" } })).ReasonCodes);
        await client.PublishesUntilAsync(publish => publish.Json.TryGetProperty("seq", out var seq) && seq.GetInt64() >= count);
    }

    public static string Type(ReceivedPublish publish) => publish.Json.Type()!;

    public static long Of(JsonElement notice) => notice.GetProperty("of").GetInt64();
}
