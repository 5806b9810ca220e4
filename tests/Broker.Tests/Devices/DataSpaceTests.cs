using System.Net;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What is said on a room's data topics reaches everybody, whatever one of them does with it.</summary>
public sealed class DataSpaceTests
{
    [Fact]
    public async Task One_that_fails_as_it_hears_does_not_end_what_others_hear()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await using var client = await broker.ConnectAsync(talk.Bea);
        Assert.Equal([0], (await client.SubscribeAsync("rooms/yard/data/#", 0)).ReasonCodes);
        using DataCalls device = new(broker, talk.Mod.Token);
        Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("t", "1"));
        Assert.Equal("1", (await client.NextPublishAsync()).Text);

        Failing failing = new();
        Assert.True(DataFilter.TryParse("#", isMounted: false, out var filter));
        broker.Get<DataSpaces>().Of(broker.Room("yard")).Subscribe(new DataSubscription { Filter = filter, Member = failing });
        Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("t", "2"));
        Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("t", "3"));
        Assert.Equal("2", (await client.NextPublishAsync()).Text);
        Assert.Equal("3", (await client.NextPublishAsync()).Text);
        Assert.Equal(2, failing.Times);
    }

    private sealed class Failing : IDataMember
    {
        public int Times { get; private set; }

        public ulong PublisherMark => 0;

        public int Unacknowledged => 0;

        public DataMatch Match { get; } = new();

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched)
        {
            Times++;
            throw new InvalidOperationException("A fault of its own.");
        }
    }
}
