using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Browser;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>Browsers at two nodes see one conversation.</summary>
public sealed class BrowserNodesTests(Chromium chromium)
{
    private const int Lines = 12;

    [Fact]
    public async Task Two_browsers_at_two_nodes_that_talk_at_once_show_one_order_in_a_room_and_in_a_conversation()
    {
        await using var house = await ServerHouse.StartAsync();
        using var keeper = await Person.RegisterAsync(house[0], "keeper");
        using var ana = await Person.RegisterAsync(house[0]);
        using var bea = await Person.RegisterAsync(house[1], "bea");
        await using var first = await chromium.VisitorAsync(house[0]);
        await using var second = await chromium.VisitorAsync(house[1]);
        await first.BeAsync(ana);
        await second.BeAsync(bea);

        await TalkAtOnceAsync(await ChatPage.OpenAsync(first), await ChatPage.OpenAsync(second));
        await TalkAtOnceAsync(await TalkAsync(first, bea), await TalkAsync(second, ana));
        first.AssertNoComplaints();
        second.AssertNoComplaints();
    }

    [Fact(Explicit = true)]
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

    [Fact]
    public async Task An_administrator_sees_which_node_answers_and_which_others_there_are_and_is_told_of_the_backup_of_the_database()
    {
        await using var house = await ServerHouse.StartAsync();
        using var ana = await Person.RegisterAsync(house[0]);
        using var elsewhere = await ana.SignInAtAsync(house[1]);
        var first = await NodesOnPageAsync(house[0], ana, "en-GB", phone: false, "Node that answers", "Other nodes");
        var second = await NodesOnPageAsync(house[1], elsewhere, "pt-BR", phone: true, "Nó que responde", "Outros nós");

        Assert.NotEqual("", first.Self);
        Assert.Equal((first.Self, first.Others), (second.Others, second.Self));
    }

    private async Task<(string Self, string Others)> NodesOnPageAsync(ServerProcess node, Person ana, string locale, bool phone, string self, string others)
    {
        await using var visitor = await chromium.VisitorAsync(node, locale, phone: phone);
        await visitor.BeAsync(ana);
        var page = await visitor.OpenAsync("/admin");
        ILocator Fact(string name) => page.Locator(".facts > div").Filter(new() { Has = page.GetByText(name, new() { Exact = true }) }).Locator("dd");
        await Assertions.Expect(Fact(self)).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("pg_dump")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("docs/cluster.md")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("WebMessenger backup")).ToHaveCountAsync(0);

        // Its files say nothing of what is stored.
        await Assertions.Expect(page.GetByText(phone ? "O que se disse" : "What was said", new() { Exact = true })).ToHaveCountAsync(0);
        await Assertions.Expect(page.GetByText(phone ? "Memória" : "Memory", new() { Exact = true }).First).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText(phone ? "Dados no disco" : "Data on the disk", new() { Exact = true })).ToHaveCountAsync(0);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        visitor.AssertNoComplaints();
        return ((await Fact(self).InnerTextAsync()).Trim(), (await Fact(others).InnerTextAsync()).Trim());
    }

    private static async Task<ChatPage> TalkAsync(Visitor visitor, Person other)
    {
        ChatPage talk = new(await visitor.OpenAsync($"/talk/{other.UserName}"));
        await talk.IsInRoomAsync();
        return talk;
    }

    private static async Task TalkAtOnceAsync(ChatPage one, ChatPage other)
    {
        async Task SayAllAsync(ChatPage page, string who)
        {
            for (var line = 0; line < Lines; line++)
            {
                await page.SayAsync($"{who} {line}");
            }
        }

        await Task.WhenAll(SayAllAsync(one, "one"), SayAllAsync(other, "the other"));
        await other.SayAsync("the end");
        await Task.WhenAll(one.SeesAsync("the end"), other.SeesAsync("the end"));
        await Assertions.Expect(one.Unsent).ToHaveCountAsync(0);
        await Assertions.Expect(other.Unsent).ToHaveCountAsync(0);

        var said = await one.SaidAsync();
        Assert.Equal(said, await other.SaidAsync());
        Assert.Equal([.. Enumerable.Range(0, Lines).Select(line => $"one {line}")], said.Where(text => text.StartsWith("one ", StringComparison.Ordinal)));
        Assert.Equal([.. Enumerable.Range(0, Lines).Select(line => $"the other {line}")], said.Where(text => text.StartsWith("the other ", StringComparison.Ordinal)));
    }
}
