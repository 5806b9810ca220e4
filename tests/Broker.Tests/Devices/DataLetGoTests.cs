using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>A room's retained values were let go from memory, for others need it: nobody is to notice.</summary>
public sealed class DataLetGoTests
{
    private const string Data = Greenhouse.Data;

    [Fact]
    public async Task A_value_for_which_the_room_is_full_is_said_to_nobody()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:RetainedPerRoom", "1");
        await using var listener = await house.ListenAsync(house.Bob);
        await using var device = await house.ConnectAsync(house.Ana);
        Assert.True((await device.PublishAsync(Data + "x", "1", retain: true)).Accepted);
        Assert.Equal("1", (await listener.NextPublishAsync()).Text);
        await LetGoAsync(house);

        var refused = await device.PublishAsync(Data + "y", "2", retain: true);
        Assert.Equal(0x97, refused.ReasonCode);
        Assert.True((await device.PublishAsync(Data + "x", "3", retain: true)).Accepted);

        Assert.Equal("3", (await listener.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Who_has_missed_something_hears_what_is_retained()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataLogMegabytesPerRoom", "1", "--WebMessenger:Limits:DataPayloadBytes", "2000000");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "state", "kept", retain: true);
        await using var bob = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        bob.AcknowledgesItself = false;
        await bob.ConnectAsync(
            "bob", house.Bob.Token, "bot", cleanStart: false,
            properties: new() { { PropertyId.SessionExpiry, 3600 }, { PropertyId.ReceiveMaximum, 1 } });
        await bob.SubscribeAsync(Data + "#");
        await bob.AcknowledgeAsync(await bob.NextPublishAsync());
        await device.PublishAsync(Data + "x", "1");
        var first = await bob.NextPublishAsync();

        // One entry of it is more than the log of the room may have.
        await device.PublishAsync(Data + "x", new byte[1_500_000]);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count == 0);
        await LetGoAsync(house);
        await bob.AcknowledgeAsync(first);

        var state = await bob.NextPublishAsync();
        Assert.Equal(("1", "kept", true, true), (first.Text, state.Text, state.Retain, DataKeptStateTests.HasGap(state)));
    }

    private static Task LetGoAsync(Greenhouse house) =>
        Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<RetainedRooms>().Of(house.Room.Key).TryLetGo());
}
