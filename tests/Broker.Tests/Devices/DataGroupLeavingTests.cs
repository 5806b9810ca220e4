using WebMessenger.Broker.Clients;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What a connection remembers of groups.</summary>
public sealed class DataGroupLeavingTests
{
    [Theory]
    [InlineData(Greenhouse.Data + "#")]
    [InlineData("rooms/greenhouse")]
    public async Task Attack_63_Groups_that_a_client_has_left_are_not_woken_by_what_it_acknowledges(string topic)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var bob = await house.ConnectAsync(house.Bob);
        var client = Assert.Single(house.Broker.Get<ConnectionDirectory>().OfAccount(house.Bob.Account.Id));
        Assert.Equal([1], (await bob.SubscribeAsync("$share/stays/" + topic)).ReasonCodes);
        for (var i = 0; i < 20; i++)
        {
            var filter = $"$share/{i}/" + topic;
            Assert.Equal([1], (await bob.SubscribeAsync(filter)).ReasonCodes);
            Assert.Equal(2, client.Data.GroupCount);
            Assert.Equal([0], (await bob.UnsubscribeAsync(filter)).ReasonCodes);
        }

        Assert.Equal(1, client.Data.GroupCount);
    }
}
