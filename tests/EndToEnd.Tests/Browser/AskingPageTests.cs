using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Who asks to be let into a room, and who reports a message there, and those who look after it.</summary>
public sealed class AskingPageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Who_asks_comes_in_without_a_reload_and_what_is_reported_is_decided_in_the_panel()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var caio = await Person.RegisterAsync(shared.Server, "caio");
        var room = await ana.NewRoomAsync("The shop");
        await caio.EnterAsync(room);
        await ana.ActAsync(room, new { type = "policy", entry = "request" });
        await caio.SayAsync(shared.Server, room, "a rude word");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        await beas.BeAsync(bea);
        var keeper = await ChatPage.OpenAsync(anas, room);
        ChatPage asker = new(await beas.OpenAsync($"/rooms/{room}"));

        await asker.Page.GetByLabel("Who you are").FillAsync("I know Caio.");
        await asker.Page.GetByRole(AriaRole.Button, new() { Name = "Ask to come in" }).ClickAsync();
        await Assertions.Expect(asker.Page.GetByText("You have asked to come in.")).ToBeVisibleAsync();
        await AssertAccessibleAsync(asker.Page);

        await keeper.Page.GetByRole(AriaRole.Button, new() { Name = "Mentions" }).ClickAsync();
        await keeper.Page.GetByRole(AriaRole.Button, new() { Name = "asks to be let into" }).ClickAsync();
        var panel = keeper.Page.GetByRole(AriaRole.Region, new() { Name = "Look after the room" });
        await Assertions.Expect(panel.GetByRole(AriaRole.Button, new() { Name = "Requests (1)" })).ToHaveAttributeAsync("aria-pressed", "true");
        await Assertions.Expect(panel.GetByText("I know Caio.")).ToBeVisibleAsync();
        await panel.GetByRole(AriaRole.Button, new() { Name = $"Let {bea.DisplayName} in", Exact = true }).ClickAsync();
        await asker.SeesAsync("a rude word");

        await asker.DoAsync("Report", "a rude word");
        var dialog = asker.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("What is wrong with it?").FillAsync("It is rude.");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Report it" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("Thank you.")).ToBeVisibleAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Close" }).Last.ClickAsync();

        await panel.GetByRole(AriaRole.Button, new() { Name = "Reports (1)" }).ClickAsync();
        await Assertions.Expect(panel.GetByText("It is rude.")).ToBeVisibleAsync();
        await AssertAccessibleAsync(keeper.Page);
        await panel.GetByRole(AriaRole.Button, new() { Name = "Delete it", Exact = true }).ClickAsync();
        await keeper.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Delete it", Exact = true }).ClickAsync();
        await Assertions.Expect(panel.GetByText("Seen to.")).ToBeVisibleAsync();
        await Assertions.Expect(asker.Messages.GetByText("deleted").First).ToBeVisibleAsync();
        await asker.Page.GetByRole(AriaRole.Button, new() { Name = "Mentions" }).ClickAsync();
        await Assertions.Expect(asker.Page.GetByText("has looked at what you reported")).ToBeVisibleAsync();
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    private static async Task AssertAccessibleAsync(IPage page) =>
        Assert.Empty((await page.RunAxe()).Violations.Where(found => found.Impact is "serious" or "critical").Select(found => $"{found.Id}: {found.Help}"));
}
