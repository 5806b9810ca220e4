using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Muting, banning and lifting on the page: what who does it sees, and whom it is about.</summary>
public sealed class ModerationPageTests(SharedServer shared, Chromium chromium)
{
    [Theory]
    [InlineData(1440, Explicit = true)]
    [InlineData(360)]
    public async Task Who_is_muted_reads_why_and_until_when_and_writes_again_when_it_is_lifted(int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The pub");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var host = await ChatPage.OpenAsync(anas, room);
        var page = await ChatPage.OpenAsync(beas, room);
        await page.SayAsync("lalala");
        await host.SeesAsync("lalala");
        await host.Page.SetViewportSizeAsync(width, 800);
        await page.Page.SetViewportSizeAsync(width, 800);
        await page.Composer.FillAsync("not said yet");

        await OpenPanelAsync(host.Page);
        await host.Page.GetByRole(AriaRole.Button, new() { Name = "Members", Exact = true }).ClickAsync();
        await host.Page.GetByRole(AriaRole.List, new() { Name = "Members" }).GetByRole(AriaRole.Button).Filter(new() { HasText = bea.DisplayName }).ClickAsync();
        await host.Page.GetByRole(AriaRole.Button, new() { Name = "Mute", Exact = true }).ClickAsync();
        var dialog = host.Page.GetByRole(AriaRole.Dialog, new() { Name = $"Mute {bea.DisplayName} in The pub?", Exact = true });
        await dialog.GetByLabel("For how long").SelectOptionAsync("10");
        await dialog.GetByLabel("Why (they are told; may be left out)").FillAsync("Too loud.");
        await AssertAccessibleAsync(host.Page);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Mute", Exact = true }).ClickAsync();
        await Assertions.Expect(dialog).ToHaveCountAsync(0);

        var muted = page.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "You are muted here until" });
        await Assertions.Expect(muted).ToContainTextAsync("Too loud.");
        await Assertions.Expect(page.Composer).ToHaveCountAsync(0);
        // She was writing: the keyboard is where it says why, and not at the top of the page.
        await Assertions.Expect(page.Page.Locator(":focus")).ToContainTextAsync("You are muted here until");
        await Assertions.Expect(page.Messages.GetByText($"{ana.DisplayName} muted {bea.DisplayName} until")).ToBeVisibleAsync();
        await page.Page.ReloadAsync();
        await Assertions.Expect(muted).ToContainTextAsync("Too loud.");
        await muted.Locator("..").FocusAsync();

        await host.Page.GetByRole(AriaRole.Button, new() { Name = "Held back", Exact = true }).ClickAsync();
        var held = host.Page.GetByRole(AriaRole.List, new() { Name = "Held back" });
        await Assertions.Expect(held).ToContainTextAsync("Too loud.");
        await AssertAccessibleAsync(host.Page);
        await held.GetByRole(AriaRole.Button, new() { Name = $"Lift it: the mute of {bea.DisplayName}" }).ClickAsync();
        await Assertions.Expect(host.Page.GetByText("Nobody is.", new() { Exact = true })).ToBeVisibleAsync();

        await Assertions.Expect(page.Composer).ToHaveValueAsync("not said yet");
        await Assertions.Expect(page.Composer).ToBeFocusedAsync();
        await Assertions.Expect(muted).ToHaveCountAsync(0);
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task Who_is_banned_is_told_why_and_does_not_come_in_and_what_was_done_stands_in_the_panel()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The pub");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var host = await ChatPage.OpenAsync(anas, room);
        var page = await ChatPage.OpenAsync(beas, room);
        await page.Composer.FillAsync("I was saying");

        await host.Page.GetByRole(AriaRole.List, new() { Name = "People here" }).GetByRole(AriaRole.Button).Filter(new() { HasText = bea.DisplayName }).ClickAsync();
        var card = host.Page.GetByRole(AriaRole.Dialog);
        await card.GetByRole(AriaRole.Button, new() { Name = "Ban", Exact = true }).ClickAsync();
        await card.GetByLabel("For how long").SelectOptionAsync("1440");
        await card.GetByLabel("Why (they are told; may be left out)").FillAsync("Enough.");
        await card.GetByLabel("Tell everybody in the room why").CheckAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = "Ban", Exact = true }).ClickAsync();

        await Assertions.Expect(page.Page.GetByText("You can come in again at")).ToBeVisibleAsync();
        await Assertions.Expect(page.Page.GetByText("Enough.", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(page.Page.GetByText("I was saying")).ToBeVisibleAsync();
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = "Come in again" })).ToHaveCountAsync(0);
        await Assertions.Expect(host.Messages.GetByText("“Enough.”")).ToBeVisibleAsync();
        await page.Page.ReloadAsync();
        await Assertions.Expect(page.Page.GetByText("You are banned from The pub.")).ToBeVisibleAsync();

        await OpenPanelAsync(host.Page);
        await host.Page.GetByRole(AriaRole.Button, new() { Name = "What was done", Exact = true }).ClickAsync();
        await Assertions.Expect(host.Page.GetByRole(AriaRole.List, new() { Name = "What was done" })).ToContainTextAsync($"{ana.DisplayName} banned {bea.DisplayName} from the room until");
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    private static async Task OpenPanelAsync(IPage page) => await page.GetByRole(AriaRole.Button, new() { Name = "Look after the room" }).First.ClickAsync();

    private static async Task AssertAccessibleAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}"));
    }
}
