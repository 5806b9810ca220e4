using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>What tests of read positions do: a room for two, words to read, what a new subscription is shown.</summary>
internal static class ReadTalk
{
    internal const byte RetainAsPublished = 8;
    internal const byte DoNotSendRetained = 32;

    /// <summary>Ana's private room, with Bob in it.</summary>
    internal static async Task<(Member Ana, Member Bob)> InOneRoomAsync(RunningBroker broker)
    {
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await CreateAsync(broker, "den", ana, isPrivate: true);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("den"), bob.Account);
        return (ana, bob);
    }

    internal static async Task CreateAsync(RunningBroker broker, string name, Member owner, bool isPrivate)
    {
        Assert.True(RoomId.TryParse(name, out var id));
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMaking>().CreateAsync(id, name, "", isPrivate, owner.Account));
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

    internal static async Task<List<ReceivedPublish>> TakeAsync(RawMqttClient client, int count)
    {
        List<ReceivedPublish> taken = [];
        while (taken.Count < count)
        {
            taken.Add(await client.NextPublishAsync());
        }

        return taken;
    }

    /// <summary>What a new subscription is shown; ends it again.</summary>
    internal static async Task<(long Seq, int Unread)> RetainedAsync(RawMqttClient client, string topic)
    {
        await client.SubscribeAsync(topic);
        var shown = await client.PublishesUntilAsync(publish => publish.Topic == topic && publish.Retain);
        await client.UnsubscribeAsync(topic);
        return Read(shown[^1]);
    }

    internal static (long Seq, int Unread) Read(ReceivedPublish publish) => (publish.Json.GetProperty("seq").GetInt64(), publish.Json.GetProperty("unread").GetInt32());

    internal static string Position(long seq, string? epoch = null) =>
        epoch is null ? JsonSerializer.Serialize(new { seq }) : JsonSerializer.Serialize(new { seq, epoch });
}
