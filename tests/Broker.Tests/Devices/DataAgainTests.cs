using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What a kept client of data topics had not acknowledged when its connection ended, on a disk that takes its time.</summary>
public sealed class DataAgainTests : IAsyncLifetime
{
    private const string Data = Greenhouse.Data;

    private readonly GatedRecords _records = new();
    private Greenhouse _house = null!;
    private RawMqttClient _ana = null!;

    public async ValueTask InitializeAsync()
    {
        _house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(_records.Place));
        _ana = await _house.ConnectAsync(_house.Ana);
    }

    public async ValueTask DisposeAsync()
    {
        _records.Release();
        await _ana.DisposeAsync();
        await _house.DisposeAsync();
    }

    [Fact]
    public async Task What_was_sent_before_it_was_on_disk_comes_again_when_it_is()
    {
        var bob = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob, acknowledges: false)).Client;
        await bob.SubscribeAsync(Data + "#", 1);
        _records.Hold();
        var saying = _ana.PublishAsync(Data + "x", "1");
        var first = await bob.NextPublishAsync();
        await LeaveAsync(bob);

        await using var again = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob)).Client;
        await again.PingAsync();
        Assert.Empty(again.AlreadyHere());
        _records.Release();
        var publish = await again.NextPublishAsync();
        Assert.Equal((first.PacketId, true, "1"), (publish.PacketId, publish.Duplicate, publish.Text));
        Assert.True((await saying).Accepted);
    }

    [Fact]
    public async Task PUBREC_counts_though_its_connection_ends_before_it_is_on_disk()
    {
        var (bob, heard) = await ThreeHeardAsync();
        _records.Hold();
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, heard[0].PacketId));
        await _records.Waiting(1);
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, heard[1].PacketId));
        await bob.PingAsync();
        await LeaveAsync(bob);
        _records.Release();

        await using var again = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob, acknowledges: false)).Client;
        await again.NextAsync(PacketType.PubRel, heard[0].PacketId);
        await again.NextAsync(PacketType.PubRel, heard[1].PacketId);
        Assert.Equal(("2", true), (await again.NextPublishAsync()) is var third ? (third.Text, third.Duplicate) : default);
        await again.PingAsync();
        Assert.Empty(again.AlreadyHere());
    }

    [Fact]
    public async Task What_comes_again_at_QoS_2_is_not_written_once_more()
    {
        var (bob, heard) = await ThreeHeardAsync();
        await LeaveAsync(bob);
        _records.FailsFor = Encoding.ASCII.GetString(DurableRecords.DataPrefix);

        await using var again = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob, acknowledges: false)).Client;
        foreach (var before in heard)
        {
            var publish = await again.NextPublishAsync();
            Assert.Equal((before.Text, before.PacketId, true), (publish.Text, publish.PacketId, publish.Duplicate));
        }

        // What does change is still on disk before the client hears of it.
        await again.SendAsync(ClientPackets.Answer(PacketType.PubRec, heard[0].PacketId));
        Assert.Equal((byte?)0x88, (await again.WaitForCloseAsync()).Disconnect);
        Assert.NotEqual(0, _records.TimesRefused);
        _records.FailsFor = null;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_being_said_as_its_connection_ended_is_owed(bool isNumbered)
    {
        Stopper stopper = new(isNumbered);
        _house.Broker.Get<DataSpaces>().Of(_house.Room).Subscribe(new DataSubscription { Filter = DataFilter.All, Member = stopper, QualityOfService = 1 });
        var bob = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob)).Client;
        await bob.SubscribeAsync(Data + "#", 1);

        // Whom it reaches is known, and bob, who is one of them, goes before it comes to him.
        var saying = _ana.PublishAsync(Data + "x", "1");
        await stopper.Stopped;
        await LeaveAsync(bob);
        stopper.GoOn();
        Assert.True((await saying).Accepted);

        await using var again = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob)).Client;
        Assert.Equal("1", (await again.NextPublishAsync()).Text);
    }

    private async Task<(RawMqttClient Bob, IReadOnlyList<ReceivedPublish> Heard)> ThreeHeardAsync()
    {
        var bob = (await KeptClients.ConnectAsync(_house.Broker, _house.Bob, acknowledges: false)).Client;
        await bob.SubscribeAsync(Data + "#", 2);
        for (var i = 0; i < 3; i++)
        {
            Assert.True((await _ana.PublishAsync(Data + "x", $"{i}", 2)).Accepted);
        }

        return (bob, await bob.PublishesUntilAsync(publish => publish.Text == "2"));
    }

    private async Task LeaveAsync(RawMqttClient client)
    {
        client.Abort();
        await client.DisposeAsync();
        await Talk.GoneAsync(_house.Broker, _house.Bob);
    }

    /// <summary>Hears first, and keeps what is said from the others: before it has a seq in the log, or with it.</summary>
    private sealed class Stopper(bool isNumbered) : IDataMember
    {
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _mayGoOn = new();

        public Task Stopped => _stopped.Task.WaitAsync(RawMqttClient.Patience, TestContext.Current.CancellationToken);

        public ulong PublisherMark => 0;

        public int Unacknowledged => 0;

        public DataMatch Match { get; } = new();

        public bool IsLogged => isNumbered || Stop();

        public void GoOn() => _mayGoOn.Set();

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched) => !isNumbered || !Stop();

        // False.
        private bool Stop()
        {
            _stopped.TrySetResult();
            return !_mayGoOn.Wait(RawMqttClient.Patience);
        }
    }
}
