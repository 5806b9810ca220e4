using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>What tests of kept clients do: connect as one, leave it behind, and hear what it missed.</summary>
internal static class KeptClients
{
    internal const string Password = "correct horse battery staple";

    /// <summary>The protocol level, 4 for MQTT 3.1.1, and whether the server restarts meanwhile.</summary>
    public static TheoryData<int, bool> Ways => new() { { 4, false }, { 5, false }, { 4, true }, { 5, true } };

    internal static async Task<(RawMqttClient Client, ConnAck Answer)> ConnectAsync(
        RunningBroker broker, Member member, MqttVersion version = MqttVersion.V5, string clientId = "bot", bool acknowledges = true)
    {
        var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
        client.AcknowledgesItself = acknowledges;
        var properties = version == MqttVersion.V5 ? new MqttProperties { { PropertyId.SessionExpiry, 3600 } } : null;
        return (client, await client.ConnectAsync(member.Account.UserName, member.Token, clientId, cleanStart: false, properties: properties));
    }

    // A durable client subscribes and goes away.
    internal static async Task LeaveBehindAsync(
        RunningBroker broker, Member member, MqttVersion version, string filter, string clientId = "bot", byte qos = 1, bool present = false)
    {
        var (client, answer) = await ConnectAsync(broker, member, version, clientId);
        Assert.Equal((0, present), (answer.ReasonCode, answer.SessionPresent));
        Assert.Equal([qos], (await client.SubscribeAsync(filter, qos)).ReasonCodes);
        await client.DisconnectAsync();
        await client.WaitForCloseAsync();
        await client.DisposeAsync();
        await GoneAsync(broker, member);
    }

    // Something is said: what does the client hear of it, up to the answer to a ping of its own?
    internal static async Task<IReadOnlyList<ReceivedPublish>> HeardWhileAsync(RunningBroker broker, Member speaks, RawMqttClient client, string room = "lobby")
    {
        await using var speaker = await broker.ConnectAsync(speaks);
        await speaker.SubscribeAsync("rooms/" + room);
        Assert.True((await speaker.PublishAsync("rooms/" + room, "anybody there?")).Accepted);
        await speaker.PublishesUntilAsync(publish => Is(publish, "anybody there?"));
        await client.PingAsync();
        return [.. client.AlreadyHere().Where(publish => publish.Topic == "rooms/" + room)];
    }

    internal static async Task<IReadOnlyList<ReceivedPublish>> TakeAsync(RawMqttClient client, Func<ReceivedPublish, bool> last, int count)
    {
        List<ReceivedPublish> taken = [];
        while (taken.Count < count)
        {
            var publish = await client.NextPublishAsync();
            if (publish.Json.Type() is "message" or "whisper")
            {
                taken.Add(publish);
            }
            else
            {
                await client.AcknowledgeAsync(publish);
            }
        }

        Assert.True(count == 0 || last(taken[^1]), client.Transcript());
        return taken;
    }

    internal static async Task<IReadOnlyList<ReceivedPublish>> UntilAsync(RawMqttClient client, int number) => await client.PublishesUntilAsync(publish => Is(publish, Number(number)));

    internal static IEnumerable<string> Texts(IEnumerable<ReceivedPublish> heard) =>
        heard.Where(publish => publish.Topic.StartsWith("rooms/", StringComparison.Ordinal) && publish.Text.Contains("\"type\":\"message\"", StringComparison.Ordinal))
            .Select(publish => publish.Json.Text()!);
}
