using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Browser;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Servers;

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
        // As a load balancer would, but that a test says where it leads.
        await using TcpWay way = new(house[0].Address.Port);
        await using var first = await chromium.VisitorAsync(new UriBuilder("http", "127.0.0.1", way.Port).Uri);
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

        await anas.Page.EvaluateAsync("""
            () => {
                window.alarmed = false;
                new MutationObserver(() => { window.alarmed ||= document.body.innerText.includes('Connection lost'); })
                    .observe(document.body, { subtree: true, childList: true, characterData: true });
            }
            """);
        way.LeadTo(house[1].Address.Port);
        var ending = house[0].TerminateAsync();
        await beas.SayAsync("Are you still there?");
        await anas.SeesAsync("Are you still there?");
        await anas.SayAsync("As if nothing had been.");
        await beas.SeesAsync("As if nothing had been.");
        Assert.False(await anas.Page.EvaluateAsync<bool>("() => window.alarmed"));
        Assert.Equal(0, (await ending).ExitCode);
    }
}
