using System.Globalization;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>What tests of durable clients say, and look for.</summary>
internal static class Talk
{
    /// <summary>Says numbers in the lobby, a few under way at once.</summary>
    public static async Task<IReadOnlyList<PubAck>> SayAsync(RawMqttClient speaker, int from, int to)
    {
        List<PubAck> said = [];
        foreach (var chunk in Enumerable.Range(from, to - from + 1).Chunk(50))
        {
            said.AddRange(await Task.WhenAll(chunk.Select(number => speaker.PublishAsync("rooms/lobby", Number(number)))));
        }

        Assert.All(said, answer => Assert.True(answer.Accepted));
        return said;
    }

    public static bool Is(ReceivedPublish publish, string text) => publish.Text.Contains($"\"text\":\"{text}\"", StringComparison.Ordinal);

    public static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    public static RoomId Id(string id) => RoomId.TryParse(id, out var parsed) ? parsed : throw new ArgumentException("Not a room's id.", nameof(id));

    /// <summary>The server, too, has seen that the account's connections are over.</summary>
    /// <param name="but">So many are left.</param>
    public static Task GoneAsync(RunningBroker broker, Member member, int but = 0) =>
        HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().OfAccount(member.Account.Id).Length == but);
}
