using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Looking after the server on the page: what an administrator sees and does, and whom it is about.</summary>
public sealed class AdminPageTests(Chromium chromium)
{
    [Theory]
    [InlineData(1440, Explicit = true)]
    [InlineData(360)]
    public async Task An_administrator_bans_and_lifts_makes_a_link_hands_over_a_room_and_changes_a_setting(int width)
    {
        // Of its own: the first account of a server is its administrator.
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits]);
        using var ana = await Person.RegisterAsync(server);
        using var bea = await Person.RegisterAsync(server, "bea");
        using var caio = await Person.RegisterAsync(server, "caio");
        var room = await caio.NewRoomAsync("The pub");
        await bea.EnterAsync(room);
        await ana.BanAsync(caio);
        await using var anas = await chromium.VisitorAsync(server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(server);
        await beas.BeAsync(bea);
        var chat = await ChatPage.OpenAsync(beas);
        var page = (await ChatPage.OpenAsync(anas)).Page;
        await page.SetViewportSizeAsync(width, 800);

        // By the menu, to the card of the first steps.
        if (width < 900)
        {
            await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Show rooms") }).First.ClickAsync();
        }

        await page.GetByRole(AriaRole.Button, new() { Name = "My menu" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Server", Exact = true }).ClickAsync();
        var card = page.GetByRole(AriaRole.Region, new() { Name = "You are the administrator of this server" });
        await Assertions.Expect(card).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "How it was" })).ToBeVisibleAsync();
        await AssertFineAsync(page);
        await card.GetByRole(AriaRole.Link, new() { Name = "Make a room" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog, new() { Name = "Open a new room" })).ToBeVisibleAsync();
        await page.GoBackAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = "Put this card away" }).ClickAsync();
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByText("Show the first steps again")).ToBeVisibleAsync();
        await Assertions.Expect(card).ToHaveCountAsync(0);

        // Search, ban: whoever is there is put out.
        await OpenAsync(page, "Accounts");
        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Find an account" }).FillAsync(bea.UserName.ToUpperInvariant());
        var accounts = page.GetByRole(AriaRole.List, new() { Name = "Accounts" }).GetByRole(AriaRole.Listitem);
        await Assertions.Expect(accounts).ToHaveCountAsync(1);
        await Assertions.Expect(accounts).ToContainTextAsync("here now");
        await AssertFineAsync(page);
        await page.GetByRole(AriaRole.Button, new() { Name = $"Look after {bea.DisplayName}" }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await AssertFineAsync(page);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Ban", Exact = true }).ClickAsync();
        await dialog.GetByLabel("For how long").SelectOptionAsync("60");
        await dialog.GetByLabel("Why").FillAsync("Spam, again.");
        await AssertFineAsync(page);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Ban", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByText($"{bea.DisplayName} is banned.")).ToBeVisibleAsync();
        await Assertions.Expect(accounts).ToContainTextAsync("Spam, again.");
        await Assertions.Expect(chat.SignedOut).ToBeVisibleAsync();

        // Lift it, and make a link: it takes the own password again.
        await page.GetByRole(AriaRole.Button, new() { Name = $"Look after {bea.DisplayName}" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Lift the ban" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Lift the ban" }).ClickAsync();
        await Assertions.Expect(page.GetByText($"{bea.DisplayName} can sign in again.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = $"Look after {bea.DisplayName}" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Make a password link" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Make a password link" }).ClickAsync();
        await Assertions.Expect(dialog.GetByLabel("Your own password")).ToBeFocusedAsync();
        await dialog.GetByLabel("Your own password").FillAsync("not my password at all");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Make a password link" }).ClickAsync();
        await Assertions.Expect(dialog.GetByLabel("Your own password")).ToHaveAttributeAsync("aria-invalid", "true");
        await dialog.GetByLabel("Your own password").FillAsync(Person.Password);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Make a password link" }).ClickAsync();
        await Assertions.Expect(dialog.Locator("code")).ToContainTextAsync("/p#");
        await AssertFineAsync(page);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "I have kept it" }).ClickAsync();
        await Assertions.Expect(dialog).ToHaveCountAsync(0);

        // Hand over the room that nobody keeps any more.
        await OpenAsync(page, "Rooms");
        await page.GetByText("Nobody keeps it", new() { Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.List, new() { Name = "Rooms" }).GetByRole(AriaRole.Listitem).Filter(new() { HasText = "The pub" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Look after the room The pub" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Hand over" }).ClickAsync();

        // Who is in it is for its members to see.
        await Assertions.Expect(dialog.GetByLabel("User name of a member")).ToBeFocusedAsync();
        await dialog.GetByLabel("User name of a member").FillAsync(bea.UserName);
        await AssertFineAsync(page);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Hand over" }).ClickAsync();
        await Assertions.Expect(page.GetByText($"The pub is kept by @{bea.UserName} now.")).ToBeVisibleAsync();

        // A setting: what is wrong stands at the field; it is saved, and undone.
        await OpenAsync(page, "Settings");
        await page.GetByRole(AriaRole.Button, new() { Name = "Change: The same as a share of the disk" }).ClickAsync();
        var field = page.GetByRole(AriaRole.Textbox, new() { Name = "The same as a share of the disk" });
        await field.FillAsync("99");
        await field.PressAsync("Enter");
        await Assertions.Expect(field).ToHaveAttributeAsync("aria-invalid", "true");
        await AssertFineAsync(page);
        await field.FillAsync("7");
        await field.PressAsync("Enter");
        await Assertions.Expect(page.GetByText("Saved. It holds from now on.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText(new Regex("^changed here; the file says"))).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Undo: The same as a share of the disk" }).ClickAsync();
        await Assertions.Expect(page.GetByText("It is as it was before.")).ToBeVisibleAsync();

        await OpenAsync(page, "What was done");
        await Assertions.Expect(page.GetByText($"{ana.UserName} banned @{bea.UserName}")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText($"{ana.UserName} handed over the room #{room}")).ToBeVisibleAsync();
        await AssertFineAsync(page);
        anas.AssertNoComplaints();
    }

    [Fact]
    public async Task For_everybody_else_there_is_no_such_page()
    {
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits]);
        using var ana = await Person.RegisterAsync(server);
        using var bea = await Person.RegisterAsync(server, "bea");
        await using var anas = await chromium.VisitorAsync(server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(server);
        await beas.BeAsync(bea);

        await Assertions.Expect((await anas.OpenAsync("/admin/accounts")).GetByRole(AriaRole.Heading, new() { Name = "Accounts" })).ToBeVisibleAsync();

        await Assertions.Expect((await beas.OpenAsync("/admin/accounts")).GetByRole(AriaRole.Heading, new() { Name = "There is nothing here" })).ToBeVisibleAsync();
        beas.AssertNoComplaints();
    }

    private static async Task OpenAsync(IPage page, string view)
    {
        await page.GetByRole(AriaRole.Navigation, new() { Name = "The server" }).GetByRole(AriaRole.Link, new() { Name = view, Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = view, Exact = true, Level = 1 })).ToBeVisibleAsync();
    }

    /// <summary>axe finds nothing serious, and nothing sticks out of the page.</summary>
    private static async Task AssertFineAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }
}
