using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Browser;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>Browsers at two nodes see one conversation.</summary>
public sealed class BrowserNodesTests(Chromium chromium)
{
    [Fact]
    public async Task Two_browsers_at_two_nodes_talk_and_the_one_whose_node_stops_goes_on_at_the_other()
    {
        await using var house = await ServerHouse.StartAsync();
        using var keeper = await Person.RegisterAsync(house[0], "keeper");
        using var ana = await Person.RegisterAsync(house[0]);
        using var bea = await Person.RegisterAsync(house[1], "bea");
        await using var first = await chromium.VisitorAsync(house[0]);
        await using var second = await chromium.VisitorAsync(house[1]);
        await first.BeAsync(ana);
        await second.BeAsync(bea);
        var anas = await ChatPage.OpenAsync(first);
        var beas = await ChatPage.OpenAsync(second);

        await anas.SayAsync("Is anybody at the other node?");
        await beas.SeesAsync("Is anybody at the other node?");
        await beas.SayAsync("Here I am.");
        await anas.SeesAsync("Here I am.");
        await Assertions.Expect(beas.Page.GetByText(ana.DisplayName).First).ToBeVisibleAsync();
        Assert.Equal(await anas.SaidAsync(), await beas.SaidAsync());
    }
}
